-- MLflow's own server. Runs at every start and can be repeated. Passwords come from files.
\set mlflow_password `cat /run/secrets/mlflow_db_password`
\set monitor_password `cat /run/secrets/mlflow_postgres_monitor_password`

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['mlflow', 'monitor']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE mlflow LOGIN PASSWORD :'mlflow_password';

-- Reads statistics for Prometheus, and no table.
ALTER ROLE monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitor;

SELECT 'CREATE DATABASE mlflowdb OWNER mlflow' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'mlflowdb') \gexec
REVOKE ALL ON DATABASE mlflowdb FROM PUBLIC;
