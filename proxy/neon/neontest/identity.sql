-- What pg_session_jwt provides, without the extension. Run as superuser; may be run again.
--
-- A session is a token in the form of a JWT, signed anew for one connection (one backend) of the HTTP endpoint, with a growing number (jti).
-- auth.jwt_session_init checks it, once per request, and binds it to the backend; the other functions say who it is while the
-- setting pg_session_jwt.jwt, which anybody may change, is the bound token. Where things are kept:
--
-- * The key that signs a backend's sessions (as the two padded keys of HMAC) and its last number: in a row of auth.backend,
--   which the endpoint writes when it connects and nobody but the owner may read. A token of another backend has another
--   key, an old one of this backend a number that was used. The row is locked when it is read: a snapshot taken earlier
--   must not bring an old number back.
-- * The bound token: in session_preload_libraries. That setting means nothing once a session has started, only a superuser may
--   set or see it, it follows into parallel workers, is rolled back with what set it, and no snapshot shows an older one.
--   RESET ALL by anybody empties it; then there is no identity.
CREATE SCHEMA IF NOT EXISTS auth;
CREATE UNLOGGED TABLE IF NOT EXISTS auth.backend (
  pid int PRIMARY KEY,
  started timestamptz NOT NULL,  -- process ids are used again
  ipad bytea NOT NULL,
  opad bytea NOT NULL,
  jti bigint NOT NULL DEFAULT 0,
  token bytea                    -- SHA-256 of the last token
) WITH (fillfactor = 20);
REVOKE ALL ON auth.backend FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.init() RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1 AS $f$ BEGIN END $f$;

CREATE OR REPLACE FUNCTION auth.jwt_session_init(jwt text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  b auth.backend;
  signed text := substring(jwt FROM '^(.*)\.[^.]*$');
  signature text := substring(jwt FROM '[^.]*$');
  claims text := split_part(signed, '.', 2);
  id bigint;
BEGIN
  IF signed IS NULL OR position('.' IN signed) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'invalid JWT encoding';
  END IF;
  -- Base64url of 64 bytes or fewer can be decoded; what it says is no signature unless it is 64.
  IF length(signature) > 86 OR signature !~ '^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$' THEN
    RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'invalid JWT signature encoding';
  END IF;
  SELECT * INTO b FROM auth.backend a
    WHERE a.pid = pg_backend_pid() AND a.started = (SELECT s.backend_start FROM pg_stat_get_activity(pg_backend_pid()) s)
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '02000', MESSAGE = 'Missing runtime parameter: pg_session_jwt.jwk';
  END IF;
  IF b.token IS DISTINCT FROM sha256(convert_to(jwt, 'UTF8')) THEN
    IF (CASE length(signature) WHEN 86 THEN
      sha512(b.opad || sha512(b.ipad || convert_to(signed, 'UTF8'))) <> decode(translate(signature, '-_', '+/') || '==', 'base64')
      ELSE true END) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'invalid JWT signature';
    END IF;
    -- What is signed was written by the endpoint: it can be read.
    claims := convert_from(decode(rpad(translate(claims, '-_', '+/'), (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    id := replace(claims, '\u0000', '')::json->>'jti';
    IF id <= b.jti THEN
      RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'Token ID must be strictly monotonically increasing.';
    END IF;
    UPDATE auth.backend a SET jti = id, token = sha256(convert_to(jwt, 'UTF8')) WHERE a.pid = b.pid;
  END IF;
  PERFORM set_config('pg_session_jwt.jwt', jwt, false), set_config('session_preload_libraries', jwt, false);
END $f$;

-- In the functions below, a setting that is not the bound token is checked as if it were new, which fails, or binds the
-- last one again. A connection of the endpoint begins with the setting ' ': a RESET brings that back and leaves no identity,
-- while '' is a bad token. The endpoint writes a backslash in claims as \u005c, so \u0000 is a NUL wherever it stands.
CREATE OR REPLACE FUNCTION auth.session() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  jwt text := current_setting('pg_session_jwt.jwt', true);
  bound text := current_setting('session_preload_libraries');
  claims text := split_part(jwt, '.', 2);
BEGIN
  IF jwt IS NULL OR jwt = ' ' OR jwt = '' AND bound = '' THEN
    RETURN 'null';
  END IF;
  IF jwt <> bound THEN
    PERFORM auth.jwt_session_init(jwt);
  END IF;
  RETURN convert_from(decode(rpad(translate(claims, '-_', '+/'), (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
END $f$;

CREATE OR REPLACE FUNCTION auth.jwt() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  RETURN auth.session();
END $f$;

CREATE OR REPLACE FUNCTION auth.user_id() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  jwt text := current_setting('pg_session_jwt.jwt', true);
  bound text := current_setting('session_preload_libraries');
  claims text := split_part(jwt, '.', 2);
  sub json;
BEGIN
  IF jwt IS NULL OR jwt = ' ' OR jwt = '' AND bound = '' THEN
    RETURN NULL;
  END IF;
  IF jwt <> bound THEN
    PERFORM auth.jwt_session_init(jwt);
  END IF;
  claims := convert_from(decode(rpad(translate(claims, '-_', '+/'), (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
  -- A NUL ends the text. It is written as another escape first: no other stands in claims, and json keeps escapes as they are.
  sub := replace(claims, '\u0000', '\uffff')::json->'sub';
  IF json_typeof(sub) <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = '42804', MESSAGE = 'invalid subject claim in the JWT';
  END IF;
  IF position('\uffff' IN sub::text) > 0 THEN
    sub := split_part(sub::text, '\uffff', 1) || '"';
  END IF;
  RETURN sub #>> '{}';
END $f$;

CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  id text := regexp_replace(auth.user_id(), '^urn:uuid:(.{36})$', '\1');
  claims text := split_part(current_setting('pg_session_jwt.jwt', true), '.', 2);
BEGIN
  IF id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$|^[{][0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}[}]$|^[0-9a-f]{32}$' THEN
    claims := convert_from(decode(rpad(translate(claims, '-_', '+/'), (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    IF position('\uffff' IN (replace(claims, '\u0000', '\uffff')::json->'sub')::text) = 0 THEN -- else id is only the start of sub
      RETURN id;
    END IF;
  END IF;
  RETURN NULL;
END $f$;

CREATE OR REPLACE FUNCTION auth.organization() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  o jsonb := auth.session()->'o';
BEGIN
  RETURN CASE WHEN jsonb_typeof(o) = 'object' THEN o END;
END $f$;

CREATE OR REPLACE FUNCTION auth.organization_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  found jsonb := auth.organization()->'id';
  id text := regexp_replace(found #>> '{}', '^urn:uuid:(.{36})$', '\1');
BEGIN
  IF jsonb_typeof(found) = 'string' AND id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$|^[{][0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}[}]$|^[0-9a-f]{32}$' THEN
    RETURN id;
  END IF;
  RETURN NULL;
END $f$;

-- With the extension these are known settings, which a role may set for itself. From 15 on, unknown ones need a grant, which
-- holds in all databases; another one may be granting it at the same time.
DO $f$
BEGIN
  IF current_setting('server_version_num')::int >= 150000 THEN
    IF (SELECT count(*) FROM pg_parameter_acl WHERE parname IN ('pg_session_jwt.jwt', 'request.jwt.claims')) < 2 THEN
      EXECUTE 'GRANT SET ON PARAMETER pg_session_jwt.jwt, request.jwt.claims TO PUBLIC';
    END IF;
  END IF;
EXCEPTION WHEN internal_error OR unique_violation THEN
  NULL;
END $f$;
