"""Model versions in the places that others keep: directories they read and write, and servers that are told of them."""
