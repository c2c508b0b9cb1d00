"""The mathematics of PN-GNN in torch alone (and psutil, for free memory): no RecBole, no options."""
