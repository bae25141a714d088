"""What a person meets: the terminal app and the command line; neither speaks SQL or HTTP."""
