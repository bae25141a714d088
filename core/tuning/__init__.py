"""Search for hyperparameters: trials on the part fitted on, kept one by one, and a version trained by the best."""
