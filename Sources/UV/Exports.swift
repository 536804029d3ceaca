// The addresses, instants and errors in this module's signatures come along with it.
@_exported public import NetBase
