"""The command line: `tocsin NOUN VERB`, one module a noun, loaded when it is called."""
