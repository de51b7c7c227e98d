//! What this example needs of vector_boot.h: the declarations, and handles that end themselves.
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{null, null_mut};

mod c {
    use super::*;

    pub const OK: i32 = 0;
    pub const END: i32 = 1;

    #[repr(C)]
    pub struct Piece {
        pub struct_size: u32,
        pub reserved: u32,
        pub text: *const c_char,
        pub length: usize,
        pub tokens: *const c_void,
        pub token_count: usize,
    }

    /// The beginning of vb_request_options: struct_size says where it ends.
    #[repr(C)]
    pub struct RequestOptions {
        pub struct_size: u32,
        pub max_tokens: u32,
        pub temperature: f32,
    }

    extern "C" {
        pub fn vb_error_last() -> *const c_char;
        pub fn vb_model_open(path: *const c_char, options: *const c_void, out: *mut *mut c_void) -> c_int;
        pub fn vb_model_free(model: *mut c_void);
        pub fn vb_session_open(model: *mut c_void, out: *mut *mut c_void) -> c_int;
        pub fn vb_session_free(session: *mut c_void);
        pub fn vb_session_chat(
            session: *mut c_void,
            messages: *const c_char,
            options: *const RequestOptions,
            out: *mut *mut c_void,
        ) -> c_int;
        pub fn vb_request_next(request: *mut c_void, timeout_ms: i32, piece: *mut Piece) -> c_int;
        pub fn vb_request_free(request: *mut c_void);
    }
}

#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
impl std::error::Error for Error {}

fn check(status: i32) -> Result<i32, Error> {
    if status >= 0 {
        return Ok(status);
    }
    let text = unsafe { CStr::from_ptr(c::vb_error_last()) };
    Err(Error(text.to_string_lossy().into_owned()))
}

fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error("a text holds a NUL".into()))
}

pub struct Model(*mut c_void);

// "Every function may be called on any thread, for the same handle too."
unsafe impl Send for Model {}
unsafe impl Sync for Model {}

impl Model {
    pub fn open(path: &str) -> Result<Model, Error> {
        let path = c_string(path)?;
        let mut model = null_mut();
        check(unsafe { c::vb_model_open(path.as_ptr(), null(), &mut model) })?;
        Ok(Model(model))
    }

    pub fn session(&self) -> Result<Session<'_>, Error> {
        let mut session = null_mut();
        check(unsafe { c::vb_session_open(self.0, &mut session) })?;
        Ok(Session(session, PhantomData))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        unsafe { c::vb_model_free(self.0) }
    }
}

pub struct Session<'model>(*mut c_void, PhantomData<&'model Model>);

impl Session<'_> {
    /// `messages` is a JSON array as in OpenAI's API.
    pub fn chat(&self, messages: &str, max_tokens: u32) -> Result<Request<'_>, Error> {
        let messages = c_string(messages)?;
        let options = c::RequestOptions {
            struct_size: size_of::<c::RequestOptions>() as u32,
            max_tokens,
            temperature: 0.0,
        };
        let mut request = null_mut();
        check(unsafe { c::vb_session_chat(self.0, messages.as_ptr(), &options, &mut request) })?;
        Ok(Request(request, PhantomData))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        unsafe { c::vb_session_free(self.0) }
    }
}

/// The pieces of an answer, as they come.
pub struct Request<'session>(*mut c_void, PhantomData<&'session Session<'session>>);

impl Iterator for Request<'_> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = c::Piece {
            struct_size: size_of::<c::Piece>() as u32,
            reserved: 0,
            text: null(),
            length: 0,
            tokens: null(),
            token_count: 0,
        };
        match check(unsafe { c::vb_request_next(self.0, -1, &mut piece) }) {
            Ok(c::OK) => {
                let bytes = unsafe { std::slice::from_raw_parts(piece.text.cast(), piece.length) };
                Some(Ok(String::from_utf8_lossy(bytes).into_owned()))
            }
            Ok(status) => {
                debug_assert_eq!(status, c::END);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        unsafe { c::vb_request_free(self.0) }
    }
}
