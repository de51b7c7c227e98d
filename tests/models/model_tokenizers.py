"""A small tokenizer of every kind that libllama knows, added to a gguf.GGUFWriter. Each function returns how many
tokens there are."""

import gguf
import numpy
from make_tiny_gguf import byte_characters

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'\"{}[]:"
SPACE = "\u2581"
TYPE = gguf.TokenType


def add_tokens(writer, model, tokens, scores=None, special=(), **ids):
    """`tokens`: (text, type) pairs. `ids`: names of special tokens, as in bos="<s>"."""
    texts = [text for text, _ in tokens]
    writer.add_tokenizer_model(model)
    writer.add_token_list(texts)
    writer.add_token_types([kind for _, kind in tokens])
    if scores is not None:
        writer.add_token_scores(scores)
    for key, text in ids.items():
        writer.add_uint32(f"tokenizer.ggml.{special[key] if key in special else key}_token_id", texts.index(text))
    return len(tokens)


def with_types(texts, kind=TYPE.NORMAL):
    return [(text, kind) for text in texts]


def byte_tokens():
    return [f"<0x{byte:02X}>" for byte in range(256)]


def falling_scores(tokens):
    return [-float(index) for index in range(len(tokens))]


def llama_tokenizer(writer):
    tokens = [("<unk>", TYPE.UNKNOWN), ("<s>", TYPE.CONTROL), ("</s>", TYPE.CONTROL)]
    tokens += with_types(byte_tokens(), TYPE.BYTE) + with_types([SPACE, *LETTERS])
    return add_tokens(writer, "llama", tokens, falling_scores(tokens), unknown="<unk>", bos="<s>", eos="</s>")


def gpt2_tokenizer(writer, pre="gpt-2", model="gpt2", merges=("a b", "c d", "ab cd")):
    texts = [*byte_characters(), *(merge.replace(" ", "") for merge in merges)]
    tokens = with_types(texts) + with_types(["<|start|>", "<|end|>"], TYPE.CONTROL)
    if pre:
        writer.add_tokenizer_pre(pre)
    if merges:
        writer.add_token_merges(list(merges))
    writer.add_add_bos_token(False)
    return add_tokens(writer, model, tokens, bos="<|start|>", eos="<|end|>")


def gemma4_tokenizer(writer):
    tokens = [("<pad>", TYPE.CONTROL), ("<eos>", TYPE.CONTROL), ("<bos>", TYPE.CONTROL), ("<unk>", TYPE.UNKNOWN)]
    tokens += with_types(byte_tokens(), TYPE.BYTE) + with_types([SPACE, "\n", *LETTERS, "ab"])
    writer.add_token_merges(["a b"])
    return add_tokens(writer, "gemma4", tokens, falling_scores(tokens), bos="<bos>", eos="<eos>", padding="<pad>")


def bert_tokenizer(writer):
    tokens = with_types(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], TYPE.CONTROL)
    tokens += with_types([SPACE + letter for letter in LETTERS]) + with_types(LETTERS)
    return add_tokens(
        writer, "bert", tokens, padding="[PAD]", unknown="[UNK]", bos="[CLS]", cls="[CLS]", seperator="[SEP]",
        mask="[MASK]",
    )


def t5_tokenizer(writer, character_map=b""):
    tokens = [("<pad>", TYPE.CONTROL), ("</s>", TYPE.CONTROL), ("<unk>", TYPE.UNKNOWN)]
    tokens += with_types([SPACE, *LETTERS, SPACE + "a", "ab"])
    if character_map:
        writer.add_precompiled_charsmap(character_map)
    return add_tokens(
        writer, "t5", tokens, falling_scores(tokens), padding="<pad>", eos="</s>", unknown="<unk>"
    )


def rwkv_tokenizer(writer):
    tokens = with_types(["<s>"], TYPE.CONTROL) + with_types([f"\\x{byte:02x}" for byte in range(256)])
    return add_tokens(writer, "rwkv", tokens, bos="<s>", eos="<s>")


def plamo2_tokenizer(writer):
    tokens = with_types(["<|plamo:unk|>"], TYPE.UNKNOWN)
    tokens += with_types(["<|plamo:bos|>", "<|plamo:eos|>", "<|plamo:pad|>"], TYPE.CONTROL)
    tokens += with_types(byte_tokens(), TYPE.BYTE) + with_types([*LETTERS, " ", "ab"])
    scores = [-float(index) / 100 for index in range(len(tokens))]
    return add_tokens(writer, "plamo2", tokens, scores, bos="<|plamo:bos|>", eos="<|plamo:eos|>")


def no_tokenizer(writer, model="none"):
    writer.add_tokenizer_model(model)
    writer.add_uint32("llama.vocab_size", 64)
    return 64


def character_map():
    """sentencepiece's normalisation of nothing: a double array of one entry, and one replacement text."""
    array = numpy.zeros(256, dtype="<u4").tobytes()
    return len(array).to_bytes(4, "little") + array + b"\0"


PRE_TOKENIZERS = [
    "default", "gpt-2", "llama-bpe", "falcon", "mpt", "starcoder", "qwen2", "qwen35", "stablelm2", "olmo", "dbrx",
    "smaug-bpe", "poro-chat", "chatglm-bpe", "glm4", "viking", "jais", "tekken", "smollm", "codeshell", "bloom",
    "gpt3-finnish", "exaone", "chameleon", "minerva-7b", "gpt-4o", "superbpe", "trillion", "bailingmoe",
    "seed-coder", "hunyuan", "hunyuan-dense", "kimi-k2", "grok-2", "deepseek-llm", "deepseek-coder", "deepseek-v3",
    "command-r", "refact", "lfm2", "roberta-bpe", "modern-bert", "afmoe", "minimax-m2", "solar-open", "megrez",
]


TOKENIZERS = {
    "llama": llama_tokenizer,
    "gpt2": lambda writer: gpt2_tokenizer(writer, pre=None),
    "gpt2-no-merges": lambda writer: gpt2_tokenizer(writer, pre="kimi-k2", merges=()),
    "gemma4": gemma4_tokenizer,
    "bert": bert_tokenizer,
    "t5": t5_tokenizer,
    "t5-character-map": lambda writer: t5_tokenizer(writer, character_map()),
    "rwkv": rwkv_tokenizer,
    "plamo2": plamo2_tokenizer,
    "none": no_tokenizer,
    "no_vocab": lambda writer: no_tokenizer(writer, "no_vocab"),
}


def letters_tokenizer(writer):
    """The smallest that can read and write something."""
    tokens = with_types(["\u0120", "\u010a", *LETTERS[:26], "ab"])
    tokens += with_types(["<|start|>", "<|end|>"], TYPE.CONTROL)
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_merges(["a b"])
    writer.add_add_bos_token(False)
    return add_tokens(writer, "gpt2", tokens, bos="<|start|>", eos="<|end|>")
