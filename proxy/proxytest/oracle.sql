-- The direct side of a comparison is a copy of the database behind the proxy, in which a setting of the session names the user. It can
-- be forged here, and need not be safe: nobody but a test connects.
GRANT USAGE ON SCHEMA auth TO authenticated;
CREATE OR REPLACE FUNCTION auth.user_id() RETURNS text STABLE LANGUAGE sql AS $$ SELECT nullif(current_setting('proxytest.sub', true), '') $$;
