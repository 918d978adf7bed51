#include "textflag.h"

// The same as in signal_amd64.s; the kernel itself sees to the return.
TEXT ·handlers(SB),NOSPLIT,$0-24
	MOVD $·onSignal(SB), R0
	MOVD R0, handler+0(FP)
	MOVD ZR, restorer+8(FP)
	MOVD ZR, flag+16(FP)
	RET

TEXT ·onSignal(SB),NOSPLIT|NOFRAME,$0
	MOVWU 16(R1), R2 // whose it is
	MOVWU ·ownID(SB), R3
	CMPW R2, R3
	BEQ done
	MOVD $1, R3
	LSL R0, R3, R3
	MOVD $·came(SB), R4

again:
	LDAXRW (R4), R5
	ORRW R3, R5, R5
	STLXRW R5, (R4), R6
	CBNZW R6, again
	MOVD R4, R0
	MOVD $129, R1 // FUTEX_WAKE_PRIVATE
	MOVD $1, R2
	MOVD $98, R8 // futex
	SVC

done:
	RET
