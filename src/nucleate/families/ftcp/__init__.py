"""FTCP: a convolutional autoencoder of one tensor for each crystal (Ren et al. 2022, arXiv 2005.07609)."""
