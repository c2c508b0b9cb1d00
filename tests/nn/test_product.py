"""The sparse product against the dense one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_pngnn.nn.product import compressed, sparse_product


@st.composite
def products(draw):
    n, m, width = (draw(st.integers(1, limit)) for limit in (7, 7, 70))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    dense = torch.randn(n, m, generator=generator, dtype=torch.float64)
    kept = draw(st.sampled_from([0.0, 0.3, 1.0]))  # no entry at all, empty rows, none empty
    dense[torch.rand(n, m, generator=generator) >= kept] = 0.0
    return dense, torch.randn(m, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(products())
def test_the_product_equals_the_dense_one(dtype, factors):
    dense, x = (factor.to(dtype) for factor in factors)
    coordinates = dense.to_sparse_coo().coalesce()
    rows = compressed(coordinates)
    assert rows.crow_indices().dtype == rows.col_indices().dtype == torch.int32
    for matrix in (rows, coordinates):
        torch.testing.assert_close(sparse_product(matrix, x), dense @ x)
        torch.testing.assert_close(sparse_product(matrix, x.T.contiguous().T), dense @ x)
