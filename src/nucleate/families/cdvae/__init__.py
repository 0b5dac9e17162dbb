"""CDVAE: a variational autoencoder of crystals whose decoder moves atoms (Xie et al. 2022, arXiv 2110.06197)."""
