"""Only the keeper holds keys: the tree of key states, its root, and what follows from them."""
