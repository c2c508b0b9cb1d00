"""The mathematics of PN-GNN in torch alone, with psutil for free memory: no RecBole, no options."""
