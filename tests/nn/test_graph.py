"""Graphs and propagation against dense matrices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_pngnn.nn.graph import bipartite_adjacency, propagate, propagate_without_ego
from recbole_pngnn.nn.product import compressed


def dense_normalised(users, items, n_users, n_items):
    """D^-1/2 A D^-1/2 by the book."""
    n = n_users + n_items
    a = torch.zeros(n, n, dtype=torch.float64)
    for user, item in zip(users, items, strict=True):
        a[user, n_users + item] += 1
        a[n_users + item, user] += 1
    degree = a.sum(dim=1)
    scale = torch.zeros_like(degree)
    scale[degree > 0] = degree[degree > 0] ** -0.5
    return torch.diag(scale) @ a @ torch.diag(scale)


@st.composite
def graphs(draw):
    n_users, n_items = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pair = st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1))
    pairs = draw(st.lists(pair, max_size=20))  # repeated pairs, isolated nodes, no edges at all
    return [u for u, _ in pairs], [i for _, i in pairs], n_users, n_items


def adjacency(users, items, n_users, n_items, dtype=torch.float64):
    users, items = torch.tensor(users, dtype=torch.int64), torch.tensor(items, dtype=torch.int64)
    return bipartite_adjacency(users, items, n_users, n_items, dtype)


def test_a_hand_made_graph():
    # User 0 rated items 0 and 1, user 1 item 1; item 2 has no edge.
    found = adjacency([0, 0, 1], [0, 1, 1], 2, 3).to_dense()
    half, root = 0.5, 0.5**0.5
    expected = torch.zeros(5, 5, dtype=torch.float64)
    expected[0, 2] = expected[2, 0] = root  # degrees 2 and 1
    expected[0, 3] = expected[3, 0] = half  # 2 and 2
    expected[1, 3] = expected[3, 1] = root  # 1 and 2
    torch.testing.assert_close(found, expected)


@given(graphs())
def test_normalisation_equals_the_dense_formula(graph):
    torch.testing.assert_close(adjacency(*graph).to_dense(), dense_normalised(*graph))


@given(graphs(), st.integers(0, 4))
def test_propagation_equals_the_mean_of_dense_powers(graph, n_layers):
    matrix = dense_normalised(*graph)
    x = torch.randn(len(matrix), 3, dtype=torch.float64)
    powers = [torch.linalg.matrix_power(matrix, k) @ x for k in range(n_layers + 1)]
    expected = torch.stack(powers).mean(dim=0)
    torch.testing.assert_close(propagate(x, adjacency(*graph), n_layers), expected)


@given(graphs(), st.integers(1, 4))
def test_propagation_without_the_ego_leaves_the_power_of_zero_out(graph, n_layers):
    matrix = dense_normalised(*graph)
    x = torch.randn(len(matrix), 3, dtype=torch.float64)
    powers = [torch.linalg.matrix_power(matrix, k) @ x for k in range(1, n_layers + 1)]
    expected = torch.stack(powers).mean(dim=0)
    torch.testing.assert_close(propagate_without_ego(x, adjacency(*graph), n_layers), expected)


@given(graphs())
def test_nothing_reaches_a_node_without_edges(graph):
    matrix = adjacency(*graph, dtype=torch.float32)
    isolated = matrix.to_dense().sum(dim=1) == 0
    found = propagate_without_ego(torch.randn(len(matrix), 3), matrix, 2)
    assert bool((found[isolated] == 0).all())


@settings(max_examples=25)
@given(graphs(), st.integers(0, 4))
def test_the_backward_pass(graph, n_layers):
    matrix = adjacency(*graph)
    x = torch.randn(len(matrix), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: propagate(y, matrix, n_layers), x)
    if n_layers:
        assert torch.autograd.gradcheck(lambda y: propagate_without_ego(y, matrix, n_layers), x)


def test_no_layer_at_all_leaves_nothing_without_the_ego():
    with pytest.raises(ValueError, match="must be at least 1, found 0"):
        propagate_without_ego(torch.zeros(4, 2), adjacency([0], [0], 2, 2), 0)


def test_the_backward_pass_takes_gradients_that_are_not_contiguous():
    matrix = adjacency([0, 1], [0, 1], 2, 2)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, dtype=torch.float64)
    (propagate(x, matrix, 2).T * weights).sum().backward()
    dense = x.detach().clone().requires_grad_()
    full = matrix.to_dense()
    (((dense + full @ dense + full @ full @ dense) / 3).T * weights).sum().backward()
    torch.testing.assert_close(x.grad, dense.grad)


@pytest.mark.parametrize("width", [1, 32, 33, 70])
def test_widths_of_several_blocks(width):
    matrix = adjacency([0, 0, 1, 2], [0, 1, 1, 0], 3, 3)
    x = torch.randn(6, width, dtype=torch.float64, requires_grad=True)
    dense = matrix.to_dense()
    expected = (x + dense @ x + dense @ dense @ x) / 3
    torch.testing.assert_close(propagate(x, matrix, 2), expected)
    weights = torch.randn(6, width, dtype=torch.float64)
    (ours,) = torch.autograd.grad((propagate(x, matrix, 2) * weights).sum(), x)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), x)
    torch.testing.assert_close(ours, theirs)


def test_isolated_nodes_get_their_own_share_and_no_nan():
    matrix = adjacency([0], [0], 2, 2)
    out = propagate(torch.ones(4, 1, dtype=torch.float64), matrix, 3)
    assert out.view(-1).tolist() == [1.0, 0.25, 1.0, 0.25]


def test_coordinates_and_compressed_rows_are_one_matrix():
    rows = adjacency([0, 1, 1], [1, 0, 1], 2, 2)
    coordinates = rows.to_dense().to_sparse_coo().coalesce()
    x = torch.randn(4, 3, dtype=torch.float64)
    torch.testing.assert_close(propagate(x, coordinates, 3), propagate(x, rows, 3))
    torch.testing.assert_close(compressed(coordinates).to_dense(), coordinates.to_dense())


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, 1], [0], r"vectors of one length, found shapes \(2,\) and \(1,\)"),
        ([0, 2], [0, 0], r"user ids must lie in \[0, 2\), found 0 to 2"),
        ([0, 1], [0, -1], r"item ids must lie in \[0, 2\), found -1 to 0"),
    ],
)
def test_edges_that_cannot_be(users, items, message):
    with pytest.raises(ValueError, match=message):
        adjacency(users, items, 2, 2)


def test_a_negative_number_of_layers():
    with pytest.raises(ValueError, match="n_layers must not be negative, found -1"):
        propagate(torch.zeros(2, 1), adjacency([0], [0], 1, 1), -1)


def test_weights_equal_repeated_edges():
    users, items = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    weights = torch.tensor([2.0, 1.0, 3.0])
    weighted = bipartite_adjacency(users, items, 2, 2, torch.float64, weights)
    repeated = adjacency([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1], 2, 2)
    torch.testing.assert_close(weighted.to_dense(), repeated.to_dense())


def test_a_weight_of_zero_is_no_edge():
    users, items = torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0])
    weights = torch.tensor([0.5, 0.5, 0.0])
    weighted = bipartite_adjacency(users, items, 2, 2, torch.float64, weights)
    torch.testing.assert_close(weighted.to_dense(), adjacency([0, 1], [0, 1], 2, 2).to_dense())


@pytest.mark.parametrize("weights", [[1.0], [1.0, -0.5]])
def test_weights_that_cannot_be(weights):
    edges = torch.tensor([0, 1])
    with pytest.raises(ValueError, match="edge_weight must be one number for each of the 2"):
        bipartite_adjacency(edges, edges, 2, 2, edge_weight=torch.tensor(weights))
