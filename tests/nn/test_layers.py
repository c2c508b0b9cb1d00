"""The attention and the encoder."""

import copy

import pytest
import torch

from recbole_pngnn.nn.graph import bipartite_adjacency, propagate
from recbole_pngnn.nn.layers import ConstantMatrix, Dropout, PNEncoder, SignAttention, SirenEncoder


def test_attention_by_hand():
    attention = SignAttention(2).eval()
    with torch.no_grad():
        attention.project.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        attention.project.bias.copy_(torch.tensor([0.0, 1.0]))
        attention.query.weight.copy_(torch.tensor([[3.0, -1.0]]))
    z, v = torch.tensor([[0.5, -1.0]]), torch.tensor([[-0.2, 0.3]])

    def logit(x):
        hidden = torch.tanh(torch.stack([x[0] * 1.0, x[1] * 2.0 + 1.0]))
        return 3.0 * hidden[0] - hidden[1]

    a = torch.exp(logit(z[0]))
    b = torch.exp(logit(v[0]))
    expected = (a * z + b * v) / (a + b)
    torch.testing.assert_close(attention(z, v), expected)


def test_one_input_twice_is_itself():
    x = torch.randn(5, 4)
    torch.testing.assert_close(SignAttention(4).eval()(x, x), x)


def test_dropout_is_for_training_alone_and_keeps_the_mean():
    attention = SignAttention(64, dropout=0.5)
    x = torch.randn(20_000, 64)
    kept = attention.eval()._logit(x)
    torch.testing.assert_close(attention._logit(x), kept)
    torch.manual_seed(0)
    dropped = attention.train()._logit(x)
    difference = (dropped - kept).squeeze()
    assert (difference != 0).all()
    # The standard error of the mean difference.
    assert difference.mean().abs() < 5 * difference.std() / len(x) ** 0.5


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_the_gradient_of_dropout_passes_where_its_values_do(share):
    x = torch.randn(300, 64, requires_grad=True)
    y = Dropout(share).train()(x)
    kept = (y != 0).float()
    torch.testing.assert_close(y, x * kept / (1 - share))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, kept / (1 - share))
    assert abs(float(kept.mean()) - (1 - share)) < 0.02  # six standard deviations


def test_the_share_that_is_dropped():
    attention = SignAttention(200, dropout=0.3)
    with torch.no_grad():
        attention.project.weight.zero_()
        attention.project.bias.fill_(20.0)  # tanh is 1
        attention.query.weight.fill_(1.0)
    torch.manual_seed(0)
    kept = attention._logit(torch.zeros(500, 200)) * 0.7 / 200
    assert kept.mean().item() == pytest.approx(0.7, abs=0.01)
    assert attention.eval()._logit(torch.zeros(1, 200)).item() == pytest.approx(200.0)


def graph(pairs, n_users=3, n_items=2):
    users, items = (torch.tensor(ids) for ids in zip(*pairs, strict=True))
    return bipartite_adjacency(users, items, n_users, n_items)


def test_the_encoder_propagates_each_sign_on_its_own_graph():
    positive, negative = graph([(0, 0), (1, 1)]), graph([(2, 0)])
    encoder = PNEncoder(3, 2, positive, negative, embedding_size=4, n_layers=2)
    z, v = encoder()
    torch.testing.assert_close(z, propagate(encoder.positive_ego, positive, 2))
    torch.testing.assert_close(v, propagate(encoder.negative_ego, negative, 2))
    assert not torch.equal(encoder.positive_ego, encoder.negative_ego)


def test_the_embeddings_start_xavier_normal():
    torch.manual_seed(0)
    edge = graph([(0, 0)], 300, 200)
    encoder = PNEncoder(300, 200, edge, edge, embedding_size=64)
    for ego in (encoder.positive_ego, encoder.negative_ego):
        deviation = (2 / (500 + 64)) ** 0.5
        error = deviation / (2 * ego.numel()) ** 0.5  # of an estimated standard deviation
        assert ego.std().item() == pytest.approx(deviation, abs=5 * error)


def test_the_encoder_refuses_a_graph_of_another_size():
    with pytest.raises(ValueError, match=r"negative adjacency has shape \(6, 6\), expected \(5, 5"):
        PNEncoder(3, 2, graph([(0, 0)]), graph([(0, 0)], n_items=3))


def test_sirens_second_part_is_an_mlp_on_each_node_alone():
    positive = graph([(0, 0), (1, 1)])
    encoder = SirenEncoder(positive, embedding_size=4, n_layers=2).eval()
    z, v = encoder()
    torch.testing.assert_close(z, propagate(encoder.positive_ego, positive, 2))
    hidden = encoder.negative_ego
    for number in (0, 3):
        linear = encoder.mlp[number]
        hidden = (hidden @ linear.weight.T + linear.bias).clamp(min=0)
    torch.testing.assert_close(v, hidden)
    # Nothing comes from a neighbour.
    v[0].sum().backward()
    assert not encoder.negative_ego.grad[1:].any()
    dropped = SirenEncoder(graph([(0, 0)], 300), dropout=0.5).train()
    zeros = (dropped()[1] == 0).double().mean().item()
    assert zeros > 0.6  # half by the dropout, some of the rest by the ReLU


@pytest.mark.parametrize("layout", ["compressed", "coordinates"])
def test_a_constant_matrix_copies_and_stays_out_of_checkpoints(layout):
    matrix = graph([(0, 0), (1, 1), (2, 1)])
    if layout == "coordinates":
        matrix = matrix.to_dense().to_sparse_coo().coalesce()
    module = ConstantMatrix(matrix)
    assert module.state_dict() == {}
    copied = copy.deepcopy(module)
    torch.testing.assert_close(copied().to_dense(), matrix.to_dense())
    assert copied().layout == matrix.layout


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_encoder_moves_to_the_gpu():
    encoder = PNEncoder(3, 2, graph([(0, 0), (1, 1)]), graph([(2, 0)]), embedding_size=4)
    here = encoder()
    there = encoder.cuda()()
    for a, b in zip(here, there, strict=True):
        assert b.device.type == "cuda"
        torch.testing.assert_close(a, b.cpu())
