package rules

/*
The format of a rule.

A rule is one YAML file, named for its id below a directory for its family.
Its first line is the id and its second what it is about: guardsh indexes rules
by these two lines and reads the rest when it meets an effect of that kind.

	id: fs/delete-brick-metadata
	on: [delete, move]
	when: path.real contains "/.glusterfs"
	verdict: block
	summary: deletes the gluster metadata of a brick ({object})
	why: every file of the brick has its hard link there
	instead: ls {quote(object)}
	snapshot: files
	examples:
	  match:
	    - rm -rf /data/brick1/.glusterfs
	  silent:
	    - rm -rf /data/brick1/scratch

	id        family/verb-phrase, lower case; never reused
	on        effect kinds, or note:KIND for what could not be understood
	when      a condition; without one the rule always speaks
	unless    an exception to it
	verdict   allow, notify, confirm, challenge or block. allow keeps a snapshot and says nothing
	raise     a list of when and verdict; the strictest that holds is the rule's
	summary   one line: what the line would do, with real targets
	details   more lines, each a text or say with when; an empty one is not said
	why       the harm, and who had it
	instead   a line to type; the loader judges it, and it must pass
	hint      words where no line will do, or behind it; one of the two is needed
	name      what a challenge wants typed; default the host's name, else the object
	snapshot  files, metadata, crontab, blocks, partition-table, network, firewall, service, guest, container,
	          lvm, cluster, database, sysctl, history, accounts
	examples  match: a line, or line with at (a Situation), verdict (default the rule's own) and says (words it must hold);
	          silent: a line, or line with at

Each example is judged on the ordinary server of check --hypothetical, and a
rule that does not do what its examples say is not loaded. Conditions and the
{expressions} in texts are of github.com/expr-lang/expr; "{{" is a brace. A name
that does not exist is an error at load, with file:line:col.

What an expression may name:

	kind object type known glob pattern word   the effect: its kind; the object as shown, its type, whether its name is
	                                           known, whether it is a pattern and which, and the word as typed
	attr param params                          attributes (attr.recursive, attr["no-sync"]; missing is false), values as
	                                           one string ("" when missing) and as a list
	look                                       the line that shows what the program has charge of; "" where none is known
	command argv via cwd user certain          the program, its whole argument list, what started it, where and as whom
	place remote hosts everywhere              here, remote, container, chroot or namespace; on which hosts; and all
	                                           other hosts on which the line does the same kind of act
	from source                                what is read, and its path facts
	path device crontab service account        facts about the object (see PathFact, DeviceFact …); on another host, or
	                                           where a fact was not to be had, path holds what the name alone tells
	runs same tells                            what runs in it (guests, others), processes that do the same already, and what
	                                           is said with every finding about it
	own ownBelow                               what of guardsh's own it is or lies in (see Own), and what lies below it
	repo                                       what only this clone of a repository holds (see RepoFact)
	unknown                                    facts that could not be had
	session host                               who types, from where; what the machine is and serves
	empty                                      vars, path, class, reach: what the object is if the variables in it are empty
	under                                      the directory below which find or a pipe of names found it; else ""
	vital                                      protected paths that fit the name or pattern that all has that is found there
	apart                                      the object's word and its neighbour, if they could be one: meant, left, right,
	                                           star; next and one are the path facts of right and meant
	blank                                      the variables in the object's or source's word that are known to be empty
	gone                                       words that became none ($X), so that the act falls on the directory of now
	first                                      no program of the line starts before this one, and what it reads is known
	intended intendedDir                       the directory of the cd that has to fail before this happens, and its facts
	unsure                                     all of a working directory that is not known
	line note fetches                          the line; the note's text; whether a program in it fetches from the network

and call, besides expr's own: class(path), dir, base, quote, unslash, bytes(n) as "1.5 GiB", count(n, "entry",
"entries"), list(names) as "a, b and 3 more", gathers(path): lines are added to it, modeHarm(path, mode): what chmod
to that mode would break, or "", sizeOf("5G") in bytes, 0 where it is none.

Verdicts. All rules that speak are heard, the strictest wins, and the order
never matters; of one rule about one object the stricter finding stays. A label
of the host raises confirm to challenge and nothing else. What happens to files
in a container or below another root is at most confirm: this machine survives
it.

What a site can say, all in Policy:

	Protected     paths or patterns that are as much as a system tree (class site)
	Unprotected   paths of the built-in table that are not protected here
	Scratch       paths whose loss never matters: not asked about, not kept
	Labels        of this host: production
	Names         of environments: what their hosts, clusters … are called; an act upon one of another environment
	              than this host's, which its label or its own name tells, is confirm (rule site/other-environment)
	Notes         words for a service, path, host or command, which is then at least confirm (rule site/note)

and rule files of its own, in rules.d, by Set.Add: the administrator's may
replace a built-in rule by its id, also by a weaker one; a user's may only add,
and so only tighten.
*/
