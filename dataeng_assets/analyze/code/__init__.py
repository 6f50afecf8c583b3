"""What makes PySpark code and Airflow DAGs slow or wrong, read from their syntax; nothing of them is run."""
