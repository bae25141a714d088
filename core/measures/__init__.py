"""What is true of counts and columns, whoever asks: bins, distances, significance, ranking. Pure; knows no store."""
