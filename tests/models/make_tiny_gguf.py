#!/usr/bin/env python3
"""Writes a tiny GGUF model for tests: llama architecture, random weights, a real byte-level BPE tokenizer.

The same arguments give the same bytes on every machine: no float from a random generator that numpy might
change, no order of a dict or set. What the model says is nonsense; that it says the same each time is the point.
"""

import argparse
import collections
import re

import gguf
import numpy

SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
EMBEDDING, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 128, 4096


def byte_characters():
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters.update({byte: chr(256 + index) for index, byte in enumerate(others)})
    return [characters[byte] for byte in range(256)]


def train_merges(text, count):
    """Byte-pair encoding: joins the most frequent pair, `count` times; ties go to the pair that sorts first."""
    stand_ins = byte_characters()
    pieces = re.findall(r" ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+", text)
    frequencies = collections.Counter(tuple(stand_ins[byte] for byte in piece.encode()) for piece in pieces)
    words = [(list(word), times) for word, times in sorted(frequencies.items())]
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for word, times in words:
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, _times in words:
            index = 0
            while index + 1 < len(word):
                if (word[index], word[index + 1]) == best:
                    word[index : index + 2] = ["".join(best)]
                index += 1
    return merges


class Noise:
    """Numbers between -1 and 1 from a fixed formula (splitmix64)."""

    def __init__(self, seed):
        self.position = numpy.uint64(seed)

    def matrix(self, rows, columns):
        count = rows * columns
        with numpy.errstate(over="ignore"):
            state = self.position + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
            self.position = state[-1]
            state = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        state ^= state >> numpy.uint64(31)
        unit = (state >> numpy.uint64(40)).astype(numpy.float32) / numpy.float32(1 << 23) - numpy.float32(1)
        return unit.reshape(rows, columns)


def add_tokenizer(writer, merges):
    tokens = byte_characters() + ["".join(pair) for pair in merges] + SPECIAL_TOKENS
    assert len(set(tokens)) == len(tokens), "two merges give the same token: train on another text"
    ordinary = len(tokens) - len(SPECIAL_TOKENS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.NORMAL] * ordinary + [gguf.TokenType.CONTROL] * len(SPECIAL_TOKENS)
    )
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(tokens.index("<|im_start|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
    return len(tokens)


def add_weights(writer, token_count):
    noise = Noise(20261123)
    ones = numpy.ones(EMBEDDING, dtype=numpy.float32)
    key_value = EMBEDDING // HEADS * KEY_VALUE_HEADS
    embedding = noise.matrix(token_count, EMBEDDING)
    embedding[-len(SPECIAL_TOKENS) :] = 0  # so that an answer ends by its length, not by chance
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", ones)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", ones)
        writer.add_tensor(block + "attn_q.weight", noise.matrix(EMBEDDING, EMBEDDING))
        writer.add_tensor(block + "attn_k.weight", noise.matrix(key_value, EMBEDDING))
        writer.add_tensor(block + "attn_v.weight", noise.matrix(key_value, EMBEDDING))
        writer.add_tensor(block + "attn_output.weight", noise.matrix(EMBEDDING, EMBEDDING))
        writer.add_tensor(block + "ffn_norm.weight", ones)
        writer.add_tensor(block + "ffn_gate.weight", noise.matrix(FEED_FORWARD, EMBEDDING))
        writer.add_tensor(block + "ffn_up.weight", noise.matrix(FEED_FORWARD, EMBEDDING))
        writer.add_tensor(block + "ffn_down.weight", noise.matrix(EMBEDDING, FEED_FORWARD))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="the GGUF file to write")
    parser.add_argument("--text", default=__file__, help="what the tokenizer is trained on (this program)")
    parser.add_argument("--merges", type=int, default=256)
    arguments = parser.parse_args()

    with open(arguments.text, encoding="utf-8") as file:
        merges = train_merges(file.read(), arguments.merges)
    writer = gguf.GGUFWriter(arguments.output, "llama")
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    token_count = add_tokenizer(writer, merges)
    add_weights(writer, token_count)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
