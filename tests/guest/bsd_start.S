/* bsd_start.S: where the kernel of bsd.c begins, with the loader's stack. */
	.section .text.start, "ax"
	.code32
	.globl	start
start:
	cli
	cld
	movl	%esp, %eax
	movl	%cr0, %ecx
	xorl	%edx, %edx
	movw	%cs, %dx
	movl	$bsd_stack_top, %esp
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	call	bsd_main

	.section .bss
	.align	16
	.skip	4096
bsd_stack_top:

	.section .note.GNU-stack, "", @progbits
