"""LightGCN, NGCF and SGL on the fast product against RecBole's own."""

import numpy as np
import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, init_seed

from recbole_pngnn.plugin.fast_graph import SymmetricMatrix


@pytest.fixture
def build(make_config):
    def build_model(name, **options):
        config = make_config(name, "ml-100k", **options)
        init_seed(1, True)
        data = data_preparation(config, create_dataset(config))
        init_seed(1, True)
        return get_model(name)(config, data[0]._dataset)

    return build_model


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LightGCN", {}),
        ("NGCF", {}),
        ("SGL", {"type": "ED"}),  # drops edges
        ("SGL", {"type": "ND"}),  # nodes
        ("SGL", {"type": "RW"}),  # edges, others in each layer
    ],
)
def test_loss_gradients_and_scores_are_the_same(build, name, options):
    fast = build(name, fast_graph=True, **options)
    stock = build(name, fast_graph=False, **options)
    attribute = "train_graph" if name == "SGL" else "norm_adj_matrix"
    assert isinstance(getattr(fast, attribute), SymmetricMatrix)
    assert isinstance(getattr(stock, attribute), torch.Tensor)
    batch = Interaction(
        {
            "user_id": torch.randint(1, fast.n_users, (512,)),
            "item_id": torch.randint(1, fast.n_items, (512,)),
            "neg_item_id": torch.randint(1, fast.n_items, (512,)),
        }
    )
    gradients = []
    for model in (fast, stock):
        torch.manual_seed(3)  # NGCF drops messages out
        np.random.seed(3)  # SGL makes its graphs as its training begins
        model.train()
        loss = model.calculate_loss(batch)
        loss.backward()
        gradients.append((loss, *(p.grad for p in model.parameters())))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)
    users = Interaction({"user_id": torch.arange(1, 9)})
    scores = []
    for model in (fast, stock):
        model.eval()
        with torch.no_grad():
            scores.append(model.full_sort_predict(users))
    torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-7)


def test_node_dropout_keeps_the_stock_matrix(build):
    model = build("NGCF", fast_graph=True, node_dropout=0.1)
    assert isinstance(model.norm_adj_matrix, torch.Tensor)


def test_the_gradient_is_that_of_the_product():
    dense = torch.tensor([[0.0, 2.0, 0.0], [2.0, 0.0, -1.0], [0.0, -1.0, 3.0]], dtype=torch.float64)
    matrix = SymmetricMatrix(dense.to_sparse())
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(torch.sparse.mm(matrix, x), dense @ x)
    assert torch.autograd.gradcheck(lambda y: torch.sparse.mm(matrix, y), x)
