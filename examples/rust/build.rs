// Where libvector_boot is, as pkg-config has it.
use std::process::Command;

fn main() {
    let output = Command::new("pkg-config")
        .args(["--libs", "vector_boot"])
        .output()
        .expect("pkg-config runs");
    assert!(output.status.success(), "pkg-config does not find vector_boot");
    for word in String::from_utf8(output.stdout).unwrap().split_whitespace() {
        if let Some(directory) = word.strip_prefix("-L") {
            println!("cargo::rustc-link-search=native={directory}");
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo::rustc-link-lib={library}");
        }
    }
}
