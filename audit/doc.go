// Package audit is the trail: what was typed, what was said about it, and what
// became of it. This comment is the format's specification, version 1.
//
// # Files
//
// A trail root (see Root) belongs to one user and is theirs alone (0700). It
// holds
//
//	key, key.pub            the Ed25519 key that signs heads, and its public half (golang.org/x/mod/sumdb/note)
//	host/                   the host log: a journal of the journals
//	ULID/                   a session's journal; its name is the session's id
//	YYYY-MM-DD-USER/        the journal that a user's sessions without a terminal share, one a UTC day
//
// A journal's directory holds
//
//	events.jsonl            its events, one JSON object a line (0600)
//	heads                   signed heads, one JSON object a line (0600)
//	terminal.cast           the recording (package cast); not in shared journals and the host log
//
// # Events
//
// An event is one line: a JSON object in UTF-8 with the fields of Event in
// their order, without those that are empty, without spaces between tokens,
// ended by a newline. Times are UTC in RFC 3339 with at most microseconds,
// durations whole nanoseconds. v is the version and is 1; seq counts from 1
// without gaps; session is the id of the session that wrote it (in a shared
// journal events of several sessions mix). Every kind is described at its
// constant, every field at Event. A reader refuses an event with a field that
// it does not know: it would show less than was written.
//
// A text that is not UTF-8 has U+FFFD in text where a byte was wrong, and its
// exact bytes in text_raw (cwd_raw for cwd). Secrets are taken out before an
// event is written (see Redact).
//
// The last field is always hash. It is the SHA-256, in lower-case hexadecimal,
// of the line with that field taken out: of the bytes before `,"hash":`, and a
// `}`. The field before it is prev: the hash of the event before, 64 zeros for
// the first. So each event vouches for all before it.
//
// An event that a line waits for is written and synced before the line is
// released. Bytes behind the last newline are an event that was being written
// when the writer died; nothing was released on their account. The next writer
// cuts them off and says so in a gap event.
//
// Writers of one file take turns by flock(2) on it, and look at the last event
// when the file is not as they left it.
//
// # Heads
//
// The lines of events.jsonl, without their newlines, are the records of a tree
// as golang.org/x/mod/sumdb/tlog (RFC 6962) has it. A head says that a journal
// had this many events with this root. It is written after each second with
// new events and at the end of a session, and covers what was synced by then: the
// end of a session in a shared journal, which nothing waits for, is covered by the
// next head there. A line of heads is an object with
//
//	v         1
//	note      the signed note: a text of five lines, an empty line, a signature
//	frontier  the roots of the tree's complete subtrees, largest first; they fold
//	          to the root, so that a writer can go on without reading all events
//	bytes     how many bytes of events.jsonl the head covers
//
// and the note's five lines are: "guardsh trail v1", the journal's directory
// name, the number of events, the root (base64), the time.
//
// # The host log
//
// host/events.jsonl is a journal like the others. It has a session-start event
// for each journal that is made (written before the journal's first event; again
// by each who found it empty), a final-head event with size and tree when a
// session of its own journal ends (for a shared journal when the next day's is
// made; a session that runs past midnight may still add to it), and a
// session-pruned event when retention removes one. It has a head after each
// event. A journal that it names and that is not there is missing; one
// that is there and that it does not name was put there.
//
// # What it proves
//
// Verify names each event that was edited, dropped, inserted or moved, a tail
// that was cut behind a head, heads of another key, and missing sessions. Who
// holds the key, as root on the machine does, can write a new trail that is
// whole in itself: what was written is certain only up to the last head, or
// with the key, that was kept elsewhere. What was cut off behind the last head
// (at most the last second of a session that was killed) leaves no trace.
//
// # Example
//
// The journal 01JD9ZK3W8Q2V5B7N4M6C1X0RT, its events:
//
//	{"v":1,"seq":1,"time":"2026-11-24T00:31:10.615149Z","session":"01JD9ZK3W8Q2V5B7N4M6C1X0RT","kind":"session-start","cwd":"/","user":"ann","uid":0,"tty":"pts/3","host":"lab","pid":5829,"pid_start":379754,"prev":"0000000000000000000000000000000000000000000000000000000000000000","hash":"980cef31b400e7d5f3020709259758c47da645ad301dd749535c895036353d61"}
//	{"v":1,"seq":2,"time":"2026-11-24T00:31:10.615926Z","session":"01JD9ZK3W8Q2V5B7N4M6C1X0RT","kind":"line","line":1,"text":"rm -r lib/","source":"prompt","cwd":"/","verdict":"block","findings":[{"rule":"fs/delete-protected","verdict":"block","effect":"delete","object":"/usr/lib","summary":"deletes /usr/lib","hint":"rm lib"}],"prev":"980cef31b400e7d5f3020709259758c47da645ad301dd749535c895036353d61","hash":"7aff2cfb9b5a44009373a7adf2ef33dd9d2cd5c89ecb070b0618ace9b3a787c7"}
//	{"v":1,"seq":3,"time":"2026-11-24T00:31:10.618533Z","session":"01JD9ZK3W8Q2V5B7N4M6C1X0RT","kind":"end","line":1,"outcome":"refused","status":253,"prev":"7aff2cfb9b5a44009373a7adf2ef33dd9d2cd5c89ecb070b0618ace9b3a787c7","hash":"e0a9010550717489d8cb43a3563d1b26fa01c23cc7d119f858c849ce5fde5346"}
//	{"v":1,"seq":4,"time":"2026-11-24T00:31:10.622568Z","session":"01JD9ZK3W8Q2V5B7N4M6C1X0RT","kind":"session-end","status":0,"prev":"e0a9010550717489d8cb43a3563d1b26fa01c23cc7d119f858c849ce5fde5346","hash":"475f94055f17acebec40e29a5d9d9f4d148d7ce1cba6e14637f59fe324b7d85a"}
//
// its final head:
//
//	{"v":1,"note":"guardsh trail v1\n01JD9ZK3W8Q2V5B7N4M6C1X0RT\n4\na/G2J815jZC18JwmYqG11t3PXgQjT9bLFpizePf+xZA=\n2026-11-24T00:31:10.623011Z\n\n— guardsh-vm +1cOoeRr2m8xk86F1t0CJGuhfWNU7ksroWNb36SNAu8QiwGY6v3Ap/dJD49+f1u+8sR3NDQHPrbp4qyUkYHINXMrKgk=\n","frontier":["a/G2J815jZC18JwmYqG11t3PXgQjT9bLFpizePf+xZA="],"bytes":1392}
//
// and the verifier key:
//
//	guardsh-vm+fb570ea1+AcfgoQuZWXWgk2/8RSJe1ZXncU2kBauO3XTh4DMJJ+NZ
package audit
