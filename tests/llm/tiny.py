"""A Llama of half a million random weights with its own BPE vocabulary: real files, real nonsense.

It knows no language, so what it says shows what decoding under a schema guarantees, and what the
caller is protected from.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from coordinator.intent.services import ENTRIES

VOCABULARY = 768
WIDTH, INNER, LAYERS, HEADS = 128, 256, 2, 4
POSITIONS = 4_096
_MARKS = ["<unk>", "<s>", "</s>"]
_TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>"
    "{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"
)


def make(folder: Path, seed: int = 7) -> Path:
    """Write a model that vLLM loads; the same seed gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    _vocabulary(folder)
    _weights(folder, seed)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "max_position_embeddings": POSITIONS,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _vocabulary(folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=_MARKS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [json.dumps({"name": e.name, "phrases": e.phrases}) for e in ENTRIES]
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": POSITIONS,
        "chat_template": _TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _weights(folder: Path, seed: int) -> None:
    drawn = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return drawn.normal(0, 0.2, (rows, columns)).astype(np.float32)

    tensors = {
        "model.embed_tokens.weight": matrix(VOCABULARY, WIDTH),
        "lm_head.weight": matrix(VOCABULARY, WIDTH),
        "model.norm.weight": np.ones(WIDTH, np.float32),
    }
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        for part in ("q", "k", "v", "o"):
            tensors[f"{at}self_attn.{part}_proj.weight"] = matrix(WIDTH, WIDTH)
        tensors[at + "mlp.gate_proj.weight"] = matrix(INNER, WIDTH)
        tensors[at + "mlp.up_proj.weight"] = matrix(INNER, WIDTH)
        tensors[at + "mlp.down_proj.weight"] = matrix(WIDTH, INNER)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{at}{norm}.weight"] = np.ones(WIDTH, np.float32)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
