/// The numbers of netlink(7) and rtnetlink(7).
enum Netlink {
    static let headerSize = 16
    static let flagRequest: UInt16 = 0x1
    static let flagInterrupted: UInt16 = 0x10
    static let flagReplace: UInt16 = 0x100
    static let flagDump: UInt16 = 0x300

    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26

    /// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE.
    static let groups: UInt32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400

    static let familyV4: UInt8 = 2
    static let familyV6: UInt8 = 10

    static let linkName: UInt16 = 3
    static let linkUp: UInt32 = 0x1
    static let linkRunning: UInt32 = 0x40

    static let addressAddress: UInt16 = 1
    static let addressLocal: UInt16 = 2
    static let addressFlags: UInt16 = 8

    static let routeInterface: UInt16 = 4
    static let routeGateway: UInt16 = 5
    static let routePriority: UInt16 = 6
    static let routeMultipath: UInt16 = 9
    static let routeTable: UInt16 = 15
    static let mainTable: UInt32 = 254
    static let unicast: UInt8 = 1
    static let cloned: UInt32 = 0x200

    /// Messages and attributes begin at multiples of 4.
    static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}
