-- The main server: a role and a database for Airflow, one for the platform's own data, and the roles that own nothing.
-- Runs at every start and can be repeated. Passwords come from files, so no process list or log shows them.
\set airflow_password `cat /run/secrets/airflow_db_password`
\set diabetes_password `cat /run/secrets/diabetes_db_password`
\set api_password `cat /run/secrets/api_db_password`
\set monitor_password `cat /run/secrets/postgres_monitor_password`

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['airflow', 'diabetes', 'api', 'monitor']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE airflow LOGIN PASSWORD :'airflow_password';
ALTER ROLE diabetes LOGIN PASSWORD :'diabetes_password';

-- What these may do the migrations grant (ml/migrations/privileges.py); "monitor" also reads statistics for Prometheus.
ALTER ROLE api LOGIN PASSWORD :'api_password';
ALTER ROLE monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitor;

SELECT format('CREATE DATABASE %I OWNER %I', name, name) FROM unnest(ARRAY['airflow', 'diabetes']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE ALL ON DATABASE airflow, diabetes FROM PUBLIC;
