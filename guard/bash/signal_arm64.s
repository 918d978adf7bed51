#include "textflag.h"

// The same as in signal_amd64.s; the kernel itself sees to the return.
TEXT ·handlers(SB),NOSPLIT,$0-24
	MOVD $·onSignal(SB), R0
	MOVD R0, handler+0(FP)
	MOVD ZR, restorer+8(FP)
	MOVD ZR, flag+16(FP)
	RET

TEXT ·onSignal(SB),NOSPLIT|NOFRAME,$0
	SUB $16, RSP
	MOVD R0, 0(RSP) // the first byte is the number
	MOVW ·tellTo(SB), R0
	MOVD RSP, R1
	MOVD $1, R2
	MOVD $64, R8 // write
	SVC
	ADD $16, RSP
	RET
