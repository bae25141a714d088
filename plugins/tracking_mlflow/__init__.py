"""MLflow's model directories and tracking servers, spoken without the mlflow package."""
