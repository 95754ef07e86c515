-- What a Postgres of one's own needs in the place of what Neon brings, so that the migrations and the app run on it as they are:
-- the two roles, and an auth.user_id(). There every user is a role with a password of its own, and the name of that role is the
-- user's id; behind pgturnstile it is the token's sub. For the superuser, once per database, with psql.
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['authenticated', 'anonymous']) name
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE RETURN session_user::text;
