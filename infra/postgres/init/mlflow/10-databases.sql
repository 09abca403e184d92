-- MLflow's own server. Runs once, on an empty data directory. Passwords come from files.
\set mlflow_password `cat /run/secrets/mlflow_db_password`
\set monitor_password `cat /run/secrets/mlflow_postgres_monitor_password`

CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE mlflowdb OWNER mlflow;
REVOKE ALL ON DATABASE mlflowdb FROM PUBLIC;

-- Reads statistics for Prometheus, and no table.
CREATE ROLE monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitor;
