#!/usr/bin/env python3
"""Writes a small GGUF model of every kind that libllama takes, for tests: each type of weights, each tokenizer,
and architectures that remember in other ways, or not at all.

The files are named KIND-NAME.gguf: weights-q4_0.gguf, tokenizer-llama.gguf, architecture-bert.gguf; "odd" are those
that other readers might refuse, "bad" those that libllama takes and cannot compute. Weights are random but always the
same; they are quantised by ggml itself.
"""

import argparse
import ctypes
import os

import gguf
import numpy
from make_tiny_gguf import CHAT_TEMPLATE, Noise
from model_tokenizers import (
    PRE_TOKENIZERS,
    TOKENIZERS,
    bert_tokenizer,
    gpt2_tokenizer,
    letters_tokenizer,
    llama_tokenizer,
)

QUANTIZED = gguf.GGMLQuantizationType


# Those that ggml stores in files but has no code for to multiply with.
NOT_FOR_WEIGHTS = ["Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"]


class Quantizer:
    """ggml's own; zeros where there is none."""

    def __init__(self):
        self.ggml = ctypes.CDLL("libggml-base.so.0")
        self.ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
        self.ggml.ggml_quantize_chunk.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
            ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
        ]

    def __call__(self, matrix, quantized):
        rows, columns = matrix.shape
        block, size = gguf.GGML_QUANT_SIZES[quantized]
        result = numpy.zeros((rows, columns // block * size), dtype=numpy.uint8)
        if quantized.name in NOT_FOR_WEIGHTS:
            return result
        importance = numpy.ones(columns, dtype=numpy.float32)
        matrix = numpy.ascontiguousarray(matrix, dtype=numpy.float32)
        written = self.ggml.ggml_quantize_chunk(
            quantized, matrix.ctypes.data, result.ctypes.data, 0, rows, columns, importance.ctypes.data
        )
        assert written == result.size, quantized
        return result


quantize = Quantizer()


class ModelFile:
    """A GGUF file whose tensors are noise, named and shaped as libllama wants them: (name, columns, rows...)."""

    def __init__(self, directory, name, architecture):
        self.architecture = architecture
        self.writer = gguf.GGUFWriter(os.path.join(directory, name + ".gguf"), architecture)
        self.writer.add_name(name)
        self.noise = Noise(20261123)

    def numbers(self, **values):
        for key, value in values.items():
            name = f"{self.architecture}.{key.replace('__', '.')}"
            if isinstance(value, bool):
                self.writer.add_bool(name, value)
            elif isinstance(value, float):
                self.writer.add_float32(name, value)
            elif isinstance(value, list):
                self.writer.add_array(name, value)
            else:
                self.writer.add_uint32(name, value)

    def matrix(self, name, columns, rows, scale=1.0, quantized=None):
        values = self.noise.matrix(rows, columns) * numpy.float32(scale)
        if quantized is None or quantized == QUANTIZED.F32:
            self.writer.add_tensor(name, values)
        else:
            self.writer.add_tensor(name, quantize(values, quantized), raw_dtype=quantized)

    def vector(self, name, size, value=1.0):
        self.writer.add_tensor(name, numpy.full(size, value, dtype=numpy.float32))

    def close(self):
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


# --- architectures --------------------------------------------------------------------------------------------


def add_llama(file, token_count, width, quantized=None):
    heads, size, feed_forward = 2, 16, 64
    file.numbers(
        block_count=1, context_length=512, embedding_length=width, feed_forward_length=feed_forward,
        attention__head_count=heads, attention__head_count_kv=1, attention__key_length=size,
        attention__value_length=size, rope__dimension_count=size, attention__layer_norm_rms_epsilon=1e-5,
    )
    file.matrix("token_embd.weight", width, token_count)
    file.vector("output_norm.weight", width)
    file.vector("blk.0.attn_norm.weight", width)
    file.matrix("blk.0.attn_q.weight", width, heads * size, quantized=quantized)
    file.matrix("blk.0.attn_k.weight", width, size, quantized=quantized)
    file.matrix("blk.0.attn_v.weight", width, size, quantized=quantized)
    file.matrix("blk.0.attn_output.weight", heads * size, width, quantized=QUANTIZED.F16)
    file.vector("blk.0.ffn_norm.weight", width)
    file.matrix("blk.0.ffn_gate.weight", width, feed_forward, quantized=quantized)
    file.matrix("blk.0.ffn_up.weight", width, feed_forward, quantized=quantized)
    file.matrix("blk.0.ffn_down.weight", feed_forward, width, quantized=QUANTIZED.F16)


def bert(file):
    width, feed_forward, context = 32, 64, 128
    token_count = bert_tokenizer(file.writer)
    file.writer.add_token_type_count(2)
    file.numbers(
        block_count=2, context_length=context, embedding_length=width, feed_forward_length=feed_forward,
        attention__head_count=2, attention__layer_norm_epsilon=1e-12, attention__causal=False,
        pooling_type=int(gguf.PoolingType.MEAN),
    )

    def normalization(name):
        file.vector(name + ".weight", width)
        file.vector(name + ".bias", width, 0)

    def linear(name, columns, rows):
        file.matrix(name + ".weight", columns, rows)
        file.vector(name + ".bias", rows, 0)

    file.matrix("token_embd.weight", width, token_count)
    file.matrix("token_types.weight", width, 2)
    file.matrix("position_embd.weight", width, context)
    normalization("token_embd_norm")
    for layer in range(2):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            linear(block + name, width, width)
        normalization(block + "attn_output_norm")
        linear(block + "ffn_up", width, feed_forward)
        linear(block + "ffn_down", feed_forward, width)
        normalization(block + "layer_output_norm")


def gemma2(file):
    """One layer of two sees no further than its window."""
    width, feed_forward, heads, size = 32, 64, 2, 16
    token_count = llama_tokenizer(file.writer)
    file.numbers(
        block_count=2, context_length=512, embedding_length=width, feed_forward_length=feed_forward,
        attention__head_count=heads, attention__head_count_kv=1, attention__key_length=size,
        attention__value_length=size, attention__layer_norm_rms_epsilon=1e-6, attention__sliding_window=16,
    )
    file.matrix("token_embd.weight", width, token_count)
    file.vector("output_norm.weight", width)
    for layer in range(2):
        block = f"blk.{layer}."
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            file.vector(block + name + ".weight", width)
        file.matrix(block + "attn_q.weight", width, heads * size)
        file.matrix(block + "attn_k.weight", width, size)
        file.matrix(block + "attn_v.weight", width, size)
        file.matrix(block + "attn_output.weight", heads * size, width)
        file.matrix(block + "ffn_gate.weight", width, feed_forward)
        file.matrix(block + "ffn_up.weight", width, feed_forward)
        file.matrix(block + "ffn_down.weight", feed_forward, width)


STATE_SPACE = {"conv_kernel": 4, "inner_size": 64, "state_size": 8, "time_step_rank": 4}


def add_state_space(file, block, width):
    inner, state = STATE_SPACE["inner_size"], STATE_SPACE["state_size"]
    rank, kernel = STATE_SPACE["time_step_rank"], STATE_SPACE["conv_kernel"]
    file.matrix(block + "ssm_in.weight", width, 2 * inner)
    file.matrix(block + "ssm_conv1d.weight", kernel, inner)
    file.vector(block + "ssm_conv1d.bias", inner, 0)
    file.matrix(block + "ssm_x.weight", inner, rank + 2 * state)
    file.matrix(block + "ssm_dt.weight", rank, inner)
    file.vector(block + "ssm_dt.bias", inner, 0)
    decay = -numpy.tile(numpy.arange(1, state + 1, dtype=numpy.float32), (inner, 1))
    file.writer.add_tensor(block + "ssm_a", decay)
    file.vector(block + "ssm_d", inner)
    file.matrix(block + "ssm_out.weight", inner, width)


def mamba(file):
    width = 32
    token_count = gpt2_tokenizer(file.writer)
    file.numbers(
        block_count=2, context_length=512, embedding_length=width, feed_forward_length=0, attention__head_count=0,
        attention__layer_norm_rms_epsilon=1e-5, **{f"ssm__{key}": value for key, value in STATE_SPACE.items()},
    )
    file.matrix("token_embd.weight", width, token_count)
    file.vector("output_norm.weight", width)
    for layer in range(2):
        file.vector(f"blk.{layer}.attn_norm.weight", width)
        add_state_space(file, f"blk.{layer}.", width)


def jamba(file):
    """A recurrent layer, then one with attention."""
    width, feed_forward, heads = 32, 64, 2
    token_count = gpt2_tokenizer(file.writer)
    file.numbers(
        block_count=2, context_length=512, embedding_length=width, feed_forward_length=feed_forward,
        attention__head_count=heads, attention__head_count_kv=[0, 1], attention__layer_norm_rms_epsilon=1e-5,
        **{f"ssm__{key}": value for key, value in STATE_SPACE.items()},
    )
    file.matrix("token_embd.weight", width, token_count)
    file.vector("output_norm.weight", width)
    for layer in range(2):
        block = f"blk.{layer}."
        file.vector(block + "attn_norm.weight", width)
        if layer == 0:
            add_state_space(file, block, width)
            file.vector(block + "ssm_dt_norm.weight", STATE_SPACE["time_step_rank"])
            file.vector(block + "ssm_b_norm.weight", STATE_SPACE["state_size"])
            file.vector(block + "ssm_c_norm.weight", STATE_SPACE["state_size"])
        else:
            file.matrix(block + "attn_q.weight", width, width)
            file.matrix(block + "attn_k.weight", width, width // heads)
            file.matrix(block + "attn_v.weight", width, width // heads)
            file.matrix(block + "attn_output.weight", width, width)
        file.vector(block + "ffn_norm.weight", width)
        file.matrix(block + "ffn_gate.weight", width, feed_forward)
        file.matrix(block + "ffn_up.weight", width, feed_forward)
        file.matrix(block + "ffn_down.weight", feed_forward, width)


# --- odd and bad ones -----------------------------------------------------------------------------------------


def with_value(key, value, kind, element=None):
    def change(file):
        file.writer.kv_data[0].pop(key, None)
        file.writer.kv_data[0][key] = gguf.GGUFValue(value=value, type=kind, sub_type=element)

    return change


def with_array(key, value, element):
    return with_value(key, value, gguf.GGUFValueType.ARRAY, element)


def with_empty_tokens(file):
    tokens = file.writer.kv_data[0]["tokenizer.ggml.tokens"].value
    tokens[-2:] = ["", ""]


VALUE = gguf.GGUFValueType
MORE_TOKENS = 400
ODD = {
    "version-2": None,  # below
    "alignment": lambda file: file.writer.add_custom_alignment(4096),
    "key-with-space": with_value("general.my key", "x", VALUE.STRING),
    "key-with-letters-of-others": with_value("general.gr\u00f6\u00dfe", "x", VALUE.STRING),
    "more-scores": with_array("tokenizer.ggml.scores", [0.0] * MORE_TOKENS, VALUE.FLOAT32),
    "whole-scores": with_array("tokenizer.ggml.scores", [0] * MORE_TOKENS, VALUE.INT32),
    "more-token-types": with_array("tokenizer.ggml.token_type", [1] * MORE_TOKENS, VALUE.INT32),
    "merges-of-one-part": with_array("tokenizer.ggml.merges", ["a b", "ab", "", " "], VALUE.STRING),
    "no-context": with_value("llama.context_length", 0, VALUE.UINT32),
    "huge-context": with_value("llama.context_length", 4_000_000_000, VALUE.UINT32),
    "no-vocabulary-size": with_value("llama.vocab_size", 0, VALUE.UINT32),
    "templates": with_array("tokenizer.chat_template", ["x"], VALUE.STRING),
    "empty-tokens": with_empty_tokens,
    "one-of-one": with_value("split.count", 1, VALUE.UINT16),
}


class WithOther(ModelFile):
    """One tensor is of another type."""

    def __init__(self, directory, name, tensor, quantized):
        super().__init__(directory, name, "llama")
        self.other = tensor, quantized

    def matrix(self, name, columns, rows, scale=1.0, quantized=None):
        super().matrix(name, columns, rows, scale, self.other[1] if name == self.other[0] else quantized)

    def vector(self, name, size, value=1.0):
        if name != self.other[0]:
            return super().vector(name, size, value)
        values = quantize(numpy.full((1, size), value, dtype=numpy.float32), self.other[1])
        self.writer.add_tensor(name, values[0], raw_dtype=self.other[1])


# --- all of them ----------------------------------------------------------------------------------------------


def write_weights(directory, quantized, name):
    block = gguf.GGML_QUANT_SIZES[quantized][0]
    file = ModelFile(directory, f"{name}-{quantized.name.lower()}", "llama")
    add_llama(file, letters_tokenizer(file.writer), max(block, 64), quantized)
    file.writer.add_chat_template(CHAT_TEMPLATE)
    file.close()


def write_odd(directory):
    for name, change in ODD.items():
        file = ModelFile(directory, "odd-" + name, "llama")
        add_llama(file, gpt2_tokenizer(file.writer), 32)
        if change is not None:
            change(file)
        file.close()
    with open(os.path.join(directory, "odd-version-2.gguf"), "r+b") as file:
        file.seek(4)
        file.write((2).to_bytes(4, "little"))


def write_bad(directory):
    others = [("blk.0.attn_norm.weight", quantized) for quantized in (QUANTIZED.F16, QUANTIZED.BF16, QUANTIZED.Q8_0)]
    others += [("token_embd.weight", QUANTIZED.I32), ("output_norm.weight", QUANTIZED.I32)]
    for tensor, quantized in others:
        file = WithOther(directory, f"bad-{quantized.name.lower()}-{tensor}", tensor, quantized)
        add_llama(file, letters_tokenizer(file.writer), 64)
        file.close()


def write_all(directory):
    for quantized in QUANTIZED:
        write_weights(directory, quantized, "bad" if quantized.name in NOT_FOR_WEIGHTS else "weights")
    tokenizers = dict(TOKENIZERS)
    for pre in PRE_TOKENIZERS:
        tokenizers["gpt2-" + pre] = lambda writer, pre=pre: gpt2_tokenizer(writer, pre)
    for name, add_tokenizer in tokenizers.items():
        file = ModelFile(directory, "tokenizer-" + name, "llama")
        add_llama(file, add_tokenizer(file.writer), 32)
        file.close()
    for architecture in (bert, gemma2, mamba, jamba):
        file = ModelFile(directory, "architecture-" + architecture.__name__, architecture.__name__)
        architecture(file)
        file.close()
    write_odd(directory)
    write_bad(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="where to write the files")
    arguments = parser.parse_args()
    os.makedirs(arguments.directory, exist_ok=True)
    write_all(arguments.directory)


if __name__ == "__main__":
    main()
