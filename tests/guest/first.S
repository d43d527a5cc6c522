/*
 * first.S: a guest that shows itself with its first instructions, for the
 * start-up bench: the time from executing a VMM to this "F" on the serial
 * port is the time to the guest's first instruction.
 */
	.section .text.start, "ax"
	.globl	start
start:
	movw	$0x3f8, %dx
	movb	$'F', %al
	outb	%al, %dx
1:	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
