//! Chats with a model: each line of the standard input is a question, the answer comes as it is made.
//!
//!     cargo run -- model.gguf
mod vector_boot;

use std::error::Error;
use std::io::{self, Write};
use vector_boot::Model;

/// `[{"role":"user","content":"..."}]`
fn message(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '"' | '\\' | '\0'..='\x1f' => format!("\\u{:04x}", character as u32),
            _ => character.to_string(),
        })
        .collect();
    format!(r#"[{{"role":"user","content":"{escaped}"}}]"#)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: chat MODEL.gguf")?;
    let model = Model::open(&path)?;
    let session = model.session()?;
    for question in io::stdin().lines() {
        for piece in session.chat(&message(&question?), 256)? {
            print!("{}", piece?);
            io::stdout().flush()?;
        }
        println!();
    }
    Ok(())
}
