"""The mathematics of PN-GNN in torch alone: no RecBole, no configuration objects."""
