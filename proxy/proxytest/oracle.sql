-- The direct side of a comparison: what pg_session_jwt gives upstream, with the user named by a setting of the session. It can
-- be forged here, and need not be safe: nobody but a test connects.
CREATE SCHEMA auth;
CREATE FUNCTION auth.user_id() RETURNS text STABLE LANGUAGE sql AS $$ SELECT nullif(current_setting('proxytest.sub', true), '') $$;
GRANT USAGE ON SCHEMA auth TO authenticated, anonymous;
