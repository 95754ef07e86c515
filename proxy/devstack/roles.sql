-- The two roles that a Neon project with a JWT provider has. They log in without a password: the token is what counts.
CREATE ROLE authenticated LOGIN;
CREATE ROLE anonymous LOGIN;
