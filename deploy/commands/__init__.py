"""The commands of `entente`, a small file for each group of them."""
