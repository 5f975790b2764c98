//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Constants of 32 equal bytes are spread from one.
DATA skipBytes<>+0(SB)/1, $0x22 // quote
DATA skipBytes<>+1(SB)/1, $0x5c // backslash
DATA skipBytes<>+2(SB)/1, $0x20 // what makes a brace of a bracket
DATA skipBytes<>+3(SB)/1, $0x7b // opening brace
DATA skipBytes<>+4(SB)/1, $0x7d // closing brace
GLOBL skipBytes<>(SB), RODATA|NOPTR, $5

DATA oddBits<>+0(SB)/8, $0xaaaaaaaaaaaaaaaa
GLOBL oddBits<>(SB), RODATA|NOPTR, $8

// func skipBlocks(b *byte, n int, st *skipState) (at int)
//
//	SI b, DI n-64, DX st, AX at, BX depth
//	R8 quotes, then what is inside of strings or escaped
//	R9 backslashes, then what is escaped
//	R10 what opens, R11 what closes
//	R13 1 where the block begins behind a backslash that escapes, R15 all ones
//	where it begins inside of a string, else 0
TEXT ·skipBlocks(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), DI
	MOVQ st+16(FP), DX
	MOVQ skipState_depth(DX), BX
	MOVQ skipState_inside(DX), R15
	XORQ R13, R13
	XORQ AX, AX
	SUBQ $64, DI
	JLT  end
	VPBROADCASTB skipBytes<>+0(SB), Y1
	VPBROADCASTB skipBytes<>+1(SB), Y2
	VPBROADCASTB skipBytes<>+2(SB), Y3
	VPBROADCASTB skipBytes<>+3(SB), Y4
	VPBROADCASTB skipBytes<>+4(SB), Y5
	VPCMPEQB Y15, Y15, Y15

block:
	VMOVDQU   (SI)(AX*1), Y6
	VMOVDQU   32(SI)(AX*1), Y7
	VPCMPEQB  Y6, Y2, Y8
	VPCMPEQB  Y7, Y2, Y9
	VPMOVMSKB Y8, R9
	VPMOVMSKB Y9, CX
	SHLQ      $32, CX
	ORQ       CX, R9
	VPCMPEQB  Y6, Y1, Y8
	VPCMPEQB  Y7, Y1, Y9
	VPMOVMSKB Y8, R8
	VPMOVMSKB Y9, CX
	SHLQ      $32, CX
	ORQ       CX, R8

	MOVQ R9, CX
	ORQ  R13, CX
	JNZ  escapes

strings:
	// The product without carries says for each byte whether the number of
	// quotes up to and with it is odd.
	VMOVQ      R8, X8
	VPCLMULQDQ $0, X15, X8, X8
	VMOVQ      X8, R8
	XORQ       R15, R8
	MOVQ       R8, R15
	SARQ       $63, R15
	ORQ        R9, R8

	VPOR      Y6, Y3, Y6
	VPOR      Y7, Y3, Y7
	VPCMPEQB  Y6, Y5, Y8
	VPCMPEQB  Y7, Y5, Y9
	VPMOVMSKB Y8, R11
	VPMOVMSKB Y9, CX
	SHLQ      $32, CX
	ORQ       CX, R11
	VPCMPEQB  Y6, Y4, Y8
	VPCMPEQB  Y7, Y4, Y9
	VPMOVMSKB Y8, R10
	VPMOVMSKB Y9, CX
	SHLQ      $32, CX
	ORQ       CX, R10
	NOTQ      R8
	ANDQ      R8, R10
	ANDQ      R8, R11

	// Only a block in which the depth may come to 0, or beyond the limit, is
	// gone through brace by brace.
	POPCNTQ R11, CX
	CMPQ    CX, BX
	JGE     braces
	POPCNTQ R10, R9
	LEAQ    (BX)(R9*1), R12
	CMPQ    R12, skipState_limit(DX)
	JGT     braces
	MOVQ    R12, BX
	SUBQ    CX, BX

next:
	ADDQ $64, AX
	CMPQ AX, DI
	JLE  block

end:
	// What follows begins behind an escaped byte that was a block's last.
	ADDQ R13, AX
	MOVQ BX, skipState_depth(DX)
	MOVQ R15, skipState_inside(DX)
	VZEROUPPER
	MOVQ AX, at+24(FP)
	RET

braces:
	MOVQ R10, R9
	ORQ  R11, R9
	JZ   next

brace:
	BSFQ R9, CX
	BTQ  CX, R11
	JCS  closing
	INCQ BX
	CMPQ BX, skipState_limit(DX)
	JLE  brace2
	MOVB $1, skipState_deep(DX)

brace2:
	LEAQ -1(R9), R12
	ANDQ R12, R9
	JNZ  brace
	JMP  next

closing:
	DECQ BX
	JNZ  brace2
	LEAQ 1(AX)(CX*1), AX
	MOVQ $0, skipState_depth(DX)
	VZEROUPPER
	MOVQ AX, at+24(FP)
	RET

escapes:
	// A backslash escapes the byte behind it unless it is escaped itself. The
	// subtraction carries through every run of them, so that the runs that begin
	// at odd bits are told from those that begin at even ones.
	MOVQ R13, CX
	NOTQ CX
	ANDQ R9, CX             // backslashes that may escape
	LEAQ (CX)(CX*1), R12
	ORQ  oddBits<>(SB), R12
	SUBQ CX, R12
	XORQ oddBits<>(SB), R12 // what is escaped, and the backslashes that escape
	MOVQ R9, CX
	ORQ  R13, R9
	XORQ R12, R9            // what is escaped
	ANDQ CX, R12            // backslashes that escape; the last may be the block's last byte
	SHRQ $63, R12
	MOVQ R12, R13
	MOVQ R9, CX
	NOTQ CX
	ANDQ CX, R8
	JMP  strings
