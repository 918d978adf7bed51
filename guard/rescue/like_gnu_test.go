package rescue

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// referee lines are run by the real bash with the real tools, and by this
// shell, in two directories that are alike: output, status and all that is
// there afterwards have to be the same. They name nothing outside.
var referee = []string{
	`ls`, `ls -a d`, `ls -1R`, `ls d link`, `ls -d d link`, `ls -F nothing; echo $?`,
	`cat a d/b`, `cat -n a`, `cat missing a; echo $?`, `echo x | cat a - d/b`,
	`head -n 2 long`, `head -2 long`, `head -c 5 long`, `tail -n 3 long`, `tail -n +48 long`, `tail -2 long`,
	`grep 1 long`, `grep -c 1 long`, `grep -v 1 long | head -3`, `grep -n '^4[0-3]$' long`, `grep -E '^(7|8)$' long`, `grep '^\(7\|8\)$' long`,
	`grep -q nothing long; echo $?`, `grep -i ALPHA a`, `grep -w 4 long`, `grep -rl alpha d a | sort`, `grep -o 'l.h' a`, `grep -F . a; echo $?`,
	`grep 'a(b' a; echo $?`, `grep x missing; echo $?`,
	`wc -l long`, `wc -c a d/b`, `wc a long`, `wc -c < long`, `sort -rn long | head -2`, `printf 'b\na\nb\n' | sort -u`,
	`mkdir x y`, `mkdir d; echo $?`, `mkdir -p d/e/f x/y`, `mkdir -m 700 x; stat -c %a x`, `rmdir d; echo $?`, `rmdir empty`, `mkdir -p q/r; rmdir -p q/r`,
	`cp a x; cat x`, `cp a d/; ls d`, `cp d x; echo $?`, `cp -r d x; find x | sort`, `cp -r d/. x 2>/dev/null; echo $?`, `mkdir x; cp -r d/. x; find x | sort`,
	`cp -a d link x; echo $?`, `mkdir x; cp -a d link hard1 hard2 x; stat -c '%n %F %h %a' x/* | sort`, `cp -a script x; stat -c '%a %Y' x script`,
	`cp link x; stat -c %F x`, `cp -P link x; stat -c %F x`, `cp -rL d x; find x -type l`, `cp -n a d/b; cat d/b`, `cp a a; echo $?`, `cp a d/b empty; ls empty`,
	`cp -T a x; cat x`, `cp -t empty a long; ls empty`, `cp a missing/x; echo $?`, `cp -a sparse x; stat -c '%s %b' x`,
	`mv a x; ls`, `mv a d; ls d`, `mv d x; ls x`, `mv a long empty; ls empty`, `mv -n a d/b; cat d/b`, `mv a a; echo $?`, `mv missing x; echo $?`, `mv d/ x; ls x`, `mv -T d empty; ls empty`,
	`rm a; ls`, `rm d; echo $?`, `rm -r d; ls`, `rm -f missing; echo $?`, `rm missing; echo $?`, `rm link; cat a`, `rm -rf d empty a; ls`, `rm -d empty`, `rm -- -odd; ls`,
	`ln a x; stat -c %h a`, `ln -s a x; readlink x`, `ln -s a link; echo $?`, `ln -sf d/b link; readlink link`, `ln -sfn empty dirlink; readlink dirlink`, `ln -s ../a d/up; cat d/up`, `ln -sf a d; readlink d/a`,
	`chmod 600 a; stat -c %a a`, `chmod u+x,go-r a; stat -c %a a`, `chmod -R go-rwx d; stat -c '%n %a' d d/b`, `chmod a=rX d a; stat -c '%a' d a`, `chmod g=u a; stat -c %a a`, `chmod u+s script; stat -c %a script`,
	`chmod 4755 script; stat -c %a script`, `chmod +t d; stat -c %a d`, `chmod -x script; stat -c %a script`, `chmod 755 missing; echo $?`, `chmod --reference=script a; stat -c %a a`, `chmod zz a; echo $?`, `umask 027; touch x; mkdir y; chmod +w a; stat -c %a x y a`,
	`touch x; stat -c %s x`, `touch -c x; ls x; echo $?`, `touch -d '2020-01-02 03:04:05' a; stat -c %Y a`, `touch -r script a; stat -c %Y a`,
	`find . -name '*o*' | sort`, `find d -type f`, `find . -maxdepth 1 -type d | sort`, `find . -type l -o -name a | sort`, `find . ! -type d -size +0 | sort`, `find d -name b -exec cat {} \;`, `find d -type f -exec echo {} +`,
	`find . -empty | sort`, `find d -name b -delete; ls d`, `find . -path ./d -prune -o -type f -print | sort`, `find . -newer script -name a`, `find . -perm -100 -type f`, `find -links 2 | sort`, `find missing; echo $?`,
	`find . -name '*1' -print0 | xargs -0 echo`, `printf 'a b\nc' | xargs -n 1 echo`, `echo "'x y' z" | xargs -n1 echo`, `printf 'one two\n' | xargs -I % echo '[%]'`, `echo a | xargs cat`,
	`tar cf t.tar d link hard1 hard2; tar tf t.tar | sort; mkdir x; tar xf t.tar -C x; find x | sort; stat -c '%a %h' x/hard1; readlink x/link`,
	`tar czf t.tgz -C d b; tar xzf t.tgz; cat b`, `tar cf - d | tar tf -`, `mkdir x; tar cf - d a | tar -x -f - -C x; find x | sort`, `tar cf t.tar d; mkdir x; tar xpf t.tar -C x --strip-components=1; find x | sort`,
	`gzip -k a; gunzip -c a.gz`, `gzip a; ls; gunzip a.gz; cat a`, `gzip < a | zcat`,
	`sed s/a/X/ a`, `sed s/a/X/g a`, `sed -n 3,5p long`, `sed '$d' long | tail -1`, `sed /^1/d long | head -3`, `sed '2q' long`, `sed -e 's/1/A/' -e 's/A/BB/' long | head -2`,
	`sed -i 's|lph|/x/|' a; cat a`, `sed -i.bak s/a/b/ a; ls a*; cat a`, `sed -E 's/(.)(.)/\2\1/' a`, `sed 's/\(.\)\(.\)/\2\1&/' a`, `sed '2!d' long`, `sed -n '/^4$/,/^6$/p' long`, `sed -n '/^4$/,6p' long`,
	`sed -n '$=' long`, `sed '1i first' a`, `sed '1a behind' a d/b`, `sed 2c\\changed long | head -3`, `sed 's/A/q/I;s/q/[&]/' a`, `sed 's/1/x/2' long | tail -40 | head -2`, `printf 'no end' | sed s/n/N/`, `sed -n 's/^1/&!/p' long`,
	`sed -i s/x/y/ missing; echo $?`, `sed 's/a' a; echo $?`, `sed '/[/]/d;s/[/]/x/' a`, `sed 5,3d long | wc -l`, `sed '48,$d' long | tail -1`, `sed -i '/2/d' long; cat long | wc -l`,
	`stat -c '%n %s %F' a d link`, `readlink link`, `cat $(readlink -f d/../link)`, `basename /x/y.txt .txt`, `dirname /x/y/`,
	`cmp a a; echo $?`, `cmp -s a d/b; echo $?`, `sha256sum a`, `md5sum < a`, `echo q | tee x y; cat x y`, `date -u -d @0 +%F`,
	`for f in *; do echo "$f"; done`, `x=$(cat a | wc -l); echo $((x+1))`, `cat <<E > x
here $HOME_NOT
E
cat x`, `false || echo or`, `[ -d d ] && echo dir`, `echo {1..3}; echo ${a:-none}`, `f() { echo "f $1"; }; f z`, `case abc in a*) echo yes;; esac`, `echo err >&2 | cat`, `cd d && cat b`, `(cd d; ls); ls -d d`, `exit 7`, `false; exit`,
	`umask 022; umask`, `test -f a; echo $?`, `printf '%s-' 1 2`, `which_nothing_is_this; echo $?`, `cat < missing; echo $?`, `echo > d; echo $?`,
}

// prepare makes what the lines are about.
func prepare(t *testing.T, dir string) {
	t.Helper()
	setup := `umask 022; mkdir d empty; echo alpha > a; echo bravo > d/b; mkdir d/e; for i in $(seq 50); do echo $i; done > long
ln -s a link; ln -s d dirlink; echo h > hard1; ln hard1 hard2; printf '#!/bin/sh\necho s\n' > script; chmod 755 script; touch -d '2021-02-03 04:05:06.789' script
truncate -s 1M sparse; : > -odd; ln -s nowhere d/dangling`
	cmd := exec.Command("bash", "-ec", setup)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// tree is all that is in a directory.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, dir)
		fmt.Fprintf(&b, "%s %s %d", name, modeText(sysOf(i).Mode), sysOf(i).Nlink)
		switch {
		case i.Mode().IsRegular() && !strings.HasSuffix(name, "gz") && !strings.HasSuffix(name, ".tar"):
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d %.40q", len(text), text)
		case i.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			b.WriteString(" -> " + to)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLikeGNU(t *testing.T) {
	for _, line := range referee {
		t.Run("", func(t *testing.T) {
			real, ours := t.TempDir(), t.TempDir()
			prepare(t, real)
			prepare(t, ours)
			cmd := exec.Command("bash", "-c", line)
			cmd.Dir = real
			cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nowhere", "LC_ALL=C"}
			want, err := cmd.Output()
			wantStatus := 0
			if err != nil {
				wantStatus = err.(*exec.ExitError).ExitCode()
			}
			got, status := runLine(t, ours, line)
			if got != string(want) || status != wantStatus {
				t.Errorf("%s\nprints %q, status %d\nwant   %q, status %d", line, got, status, want, wantStatus)
			}
			if a, b := tree(t, ours), tree(t, real); a != b {
				t.Errorf("%s\nleaves\n%s\nwant\n%s", line, a, b)
			}
		})
	}
}

// runLine runs a line in a directory, by the built-in commands alone, and
// returns what it printed.
func runLine(t *testing.T, dir, line string) (string, int) {
	t.Helper()
	t.Chdir(dir)
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s, err := New(Config{In: null, Out: out, Err: null, Env: []string{"PATH=/nowhere", "HOME=/nowhere"}})
	if err != nil {
		t.Fatal(err)
	}
	status := s.Run(context.Background(), line, "line")
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b), status
}
