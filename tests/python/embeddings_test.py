"""Embeddings, and how others look at them without a copy."""

import ctypes
import gc

import numpy
import pytest

TEXTS = ["a text", "another text", "def main(): pass"]


def test_they_are_sequences(model):
    embeddings = model.embed(TEXTS)
    assert embeddings.shape == (3, 64)
    assert len(embeddings) == 3
    assert len(embeddings[0]) == 64
    assert embeddings[0].shape == (64,)
    assert embeddings[-1].tolist() == embeddings[2].tolist()
    assert [row.tolist() for row in embeddings] == embeddings.tolist()
    assert embeddings[1][5] == embeddings.tolist()[1][5]
    assert repr(embeddings) == "<vector_boot.Embeddings of shape (3, 64)>"
    for wrong in (3, -4):
        with pytest.raises(IndexError):
            embeddings[wrong]
    with pytest.raises(TypeError):
        embeddings["a"]


def test_each_has_length_one_and_texts_differ(model):
    rows = model.embed(TEXTS).tolist()
    for row in rows:
        assert sum(value * value for value in row) == pytest.approx(1, abs=1e-5)
    assert rows[0] != rows[1]
    assert model.embed("a text").tolist() == pytest.approx(numpy.array([rows[0]]), abs=1e-6)


def test_no_texts(model):
    assert len(model.embed([])) == 0


def test_the_buffer(model):
    embeddings = model.embed(TEXTS)
    view = memoryview(embeddings)
    assert (view.format, view.shape, view.strides, view.readonly) == ("f", (3, 64), (256, 4), True)
    assert view.tolist() == embeddings.tolist()
    row = memoryview(embeddings[1])
    assert (row.shape, row.tolist()) == ((64,), embeddings[1].tolist())
    assert bytes(embeddings[1]) == bytes(embeddings)[256:512]
    with pytest.raises(TypeError):
        view[0, 0] = 1.0
    expected = embeddings.tolist()
    del embeddings
    gc.collect()
    assert view.tolist() == expected


def test_numpy_does_not_copy(model):
    embeddings = model.embed(TEXTS)
    array = numpy.asarray(embeddings)
    again = numpy.from_dlpack(embeddings)
    row = numpy.from_dlpack(embeddings[2])
    assert array.dtype == again.dtype == numpy.float32
    assert array.shape == again.shape == (3, 64)
    assert array.ctypes.data == again.ctypes.data == row.ctypes.data - 2 * 256
    assert not array.flags.writeable
    assert not again.flags.writeable
    expected = array.copy()
    del embeddings, array
    gc.collect()
    assert (again == expected).all()
    assert (row == expected[2]).all()


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("dimensions", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


def test_dlpack_of_consumers_before_version_one(model):
    embeddings = model.embed(TEXTS)
    assert embeddings.__dlpack_device__() == (1, 0)
    capsule = embeddings.__dlpack__()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    tensor = Tensor.from_address(get(capsule, b"dltensor"))
    assert (tensor.device_type, tensor.dimensions, tensor.code, tensor.bits, tensor.lanes) == (1, 2, 2, 32, 1)
    assert (tensor.shape[0], tensor.shape[1], tensor.strides[0], tensor.strides[1]) == (3, 64, 64, 1)
    assert tensor.data == numpy.asarray(embeddings).ctypes.data
    assert "dltensor_versioned" in repr(embeddings.__dlpack__(max_version=(1, 0)))


def test_dlpack_refuses_what_cannot_be(model):
    embeddings = model.embed(TEXTS)
    for wrong in ({"stream": 1}, {"dl_device": (2, 0)}, {"copy": True}):
        with pytest.raises(BufferError):
            embeddings.__dlpack__(**wrong)


def test_meaning(sensible):
    cat, kitten, tax = sensible.embed(["The cat sleeps.", "A kitten is sleeping.", "Tax law of Luxembourg."]).tolist()

    def likeness(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert likeness(cat, kitten) > likeness(cat, tax)
