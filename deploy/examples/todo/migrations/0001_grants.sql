-- Policies choose rows; that a role reaches a table at all is a grant. Default privileges of the project, if there are any, are
-- taken back first: what is granted is what stands here.
REVOKE ALL ON "announcements", "todos" FROM "anonymous", "authenticated";--> statement-breakpoint
GRANT SELECT ON "announcements" TO "anonymous", "authenticated";--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "todos" TO "authenticated";
