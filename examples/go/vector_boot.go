package main

// #cgo pkg-config: vector_boot
// #include <stdlib.h>
// #include <vector_boot.h>
import "C"

import (
	"encoding/json"
	"errors"
	"iter"
	"runtime"
	"unsafe"
)

// check makes an error of what call returns. The text of a failure belongs to the thread that it happened on,
// so both must run on one.
func check(call func() C.int32_t) (C.int32_t, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := call()
	if status >= 0 {
		return status, nil
	}
	return status, errors.New(C.GoString(C.vb_status_name(status)) + ": " + C.GoString(C.vb_error_last()))
}

// Model is one GGUF file and the engine that computes for everybody. Any goroutine may use it.
type Model struct{ handle *C.vb_model }

func Open(path string) (*Model, error) {
	file := C.CString(path)
	defer C.free(unsafe.Pointer(file))
	model := new(Model)
	_, err := check(func() C.int32_t { return C.vb_model_open(file, nil, &model.handle) })
	return model, err
}

func (model *Model) Close() { C.vb_model_free(model.handle) }

// Session is a conversation that keeps its messages.
type Session struct{ handle *C.vb_session }

func (model *Model) NewSession() (*Session, error) {
	session := new(Session)
	_, err := check(func() C.int32_t { return C.vb_session_open(model.handle, &session.handle) })
	return session, err
}

func (session *Session) Close() { C.vb_session_free(session.handle) }

// Message is one of a conversation, as in OpenAI's API.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Chat says messages and yields the pieces of the answer as they come. To leave the loop is to cancel the rest.
func (session *Session) Chat(messages []Message, maxTokens uint32) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		text, err := json.Marshal(messages)
		if err != nil {
			yield("", err)
			return
		}
		given := C.CString(string(text))
		defer C.free(unsafe.Pointer(given))
		options := C.vb_request_options{
			struct_size: C.sizeof_vb_request_options,
			max_tokens:  C.uint32_t(maxTokens),
		}
		var request *C.vb_request
		if _, err := check(func() C.int32_t {
			return C.vb_session_chat(session.handle, given, &options, &request)
		}); err != nil {
			yield("", err)
			return
		}
		defer C.vb_request_free(request)
		for {
			piece := C.vb_piece{struct_size: C.sizeof_vb_piece}
			status, err := check(func() C.int32_t { return C.vb_request_next(request, -1, &piece) })
			if err != nil {
				yield("", err)
				return
			}
			if status == C.VB_END || !yield(C.GoStringN(piece.text, C.int(piece.length)), nil) {
				return
			}
		}
	}
}
