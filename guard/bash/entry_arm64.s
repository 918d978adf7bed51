#include "textflag.h"

// The same as in entry_amd64.s.
TEXT guardsh_entry(SB),NOSPLIT|NOFRAME,$0
	MOVD RSP, R4
	MOVD R4, ·startStack(SB)
	MOVD $135, R8 // rt_sigprocmask(SIG_BLOCK, NULL, mask, 8)
	MOVD ZR, R0
	MOVD ZR, R1
	MOVD $·maskAtStart(SB), R2
	MOVD $8, R3
	SVC
	MOVD $163, R8 // getrlimit(RLIMIT_NOFILE, files)
	MOVD $7, R0
	MOVD $·filesAtStart(SB), R1
	SVC
	MOVD $167, R8 // prctl(PR_GET_TIMERSLACK)
	MOVD $30, R0
	SVC
	MOVD R0, ·slackAtStart(SB)
	SUB $1, R0, R0
	MOVD $1999999, R4
	CMP R4, R0
	BHS slack // an error, none at all, or more
	MOVD $167, R8 // prctl(PR_SET_TIMERSLACK, 2 ms)
	MOVD $29, R0
	MOVD $2000000, R1
	SVC

slack:
	MOVD ·speaks(SB), R4
	MOVD R4, runtime·overrideWrite(SB)
	SUB $64, RSP // the struct sigaction that is asked for; its first word is the handler
	MOVD $1, R19
	MOVD ZR, R20

signals:
	MOVD $134, R8 // rt_sigaction(signal, NULL, stack, 8)
	MOVD R19, R0
	MOVD ZR, R1
	MOVD RSP, R2
	MOVD $8, R3
	SVC
	CBNZ R0, next
	MOVD 0(RSP), R4
	CMP $1, R4 // SIG_IGN
	BNE next
	SUB $1, R19, R5
	MOVD $1, R6
	LSL R5, R6, R6
	ORR R6, R20, R20

next:
	ADD $1, R19, R19
	CMP $64, R19
	BLE signals
	MOVD R20, ·ignoredAtStart(SB)
	MOVD ZR, R19
	MOVD ZR, R20

descriptors:
	MOVD $25, R8 // fcntl(fd, F_GETFD)
	MOVD R19, R0
	MOVD $1, R1
	MOVD ZR, R2
	SVC
	CMN $9, R0 // EBADF
	BNE open
	MOVD $1, R6
	LSL R19, R6, R6
	ORR R6, R20, R20

open:
	ADD $1, R19, R19
	CMP $3, R19
	BLT descriptors
	MOVD R20, ·closedAtStart(SB)
	ADD $64, RSP
	JMP _rt0_arm64_linux(SB)
