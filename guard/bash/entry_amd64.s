#include "textflag.h"

// The program begins here when it is linked with -E guardsh_entry. Go's runtime
// catches every signal and opens /dev/null for each of the descriptors 0 to 2
// that is closed, before any Go code: what the parent had ignored and closed is
// noted first, and with it what a program has to begin with that takes this
// one's place where the runtime cannot start (standin_unsafe.go). The runtime also
// looks after its threads every 20 microseconds at first, and again for as long as
// they are busy: a tenth of a short line's start, and of what guardsh takes for a
// supervised make. With a timer slack of 2 ms it is less often (see AsStarted);
// with more, what waits for it has to wait too. All registers are free here; the
// stack holds the arguments.
TEXT guardsh_entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ SP, ·startStack(SB)
	MOVL $14, AX // rt_sigprocmask(SIG_BLOCK, NULL, mask, 8)
	XORL DI, DI
	XORL SI, SI
	LEAQ ·maskAtStart(SB), DX
	MOVL $8, R10
	SYSCALL
	MOVL $97, AX // getrlimit(RLIMIT_NOFILE, files)
	MOVL $7, DI
	LEAQ ·filesAtStart(SB), SI
	SYSCALL
	MOVL $157, AX // prctl(PR_GET_TIMERSLACK)
	MOVL $30, DI
	SYSCALL
	MOVQ AX, ·slackAtStart(SB)
	DECQ AX
	CMPQ AX, $1999999
	JCC slack // an error, none at all, or more
	MOVL $157, AX // prctl(PR_SET_TIMERSLACK, 2 ms)
	MOVL $29, DI
	MOVL $2000000, SI
	SYSCALL

slack:
	MOVQ ·speaks(SB), AX
	MOVQ AX, runtime·overrideWrite(SB)
	SUBQ $64, SP // the struct sigaction that is asked for; its first word is the handler
	MOVQ $1, R12
	XORL R13, R13

signals:
	MOVL $13, AX // rt_sigaction(signal, NULL, stack, 8)
	MOVQ R12, DI
	XORL SI, SI
	MOVQ SP, DX
	MOVL $8, R10
	SYSCALL
	TESTQ AX, AX
	JNE next
	CMPQ 0(SP), $1 // SIG_IGN
	JNE next
	LEAQ -1(R12), CX
	MOVL $1, AX
	SHLQ CX, AX
	ORQ AX, R13

next:
	INCQ R12
	CMPQ R12, $64
	JLE signals
	MOVQ R13, ·ignoredAtStart(SB)
	XORL R12, R12
	XORL R13, R13

descriptors:
	MOVL $72, AX // fcntl(fd, F_GETFD)
	MOVQ R12, DI
	MOVL $1, SI
	XORL DX, DX
	SYSCALL
	CMPQ AX, $-9 // EBADF
	JNE open
	MOVQ R12, CX
	MOVL $1, AX
	SHLQ CX, AX
	ORQ AX, R13

open:
	INCQ R12
	CMPQ R12, $3
	JLT descriptors
	MOVQ R13, ·closedAtStart(SB)
	ADDQ $64, SP
	JMP _rt0_amd64_linux(SB)
