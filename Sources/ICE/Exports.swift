// The value types in this module's signatures come along with it.
@_exported public import ICECore
@_exported public import NetBase
@_exported public import STUN
@_exported public import UV
