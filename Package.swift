// swift-tools-version: 6.2
import PackageDescription

let features: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let settings = features + [.strictMemorySafety()]
// For a type that holds a Span; who uses it needs no feature.
let borrowing: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

let collections = "swift-collections"

let package = Package(
    name: "swift-ice",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "ICE", targets: ["ICE"]),
        .library(name: "STUN", targets: ["STUN"]),
        .library(name: "UV", targets: ["UV"]),
        .library(name: "ICETesting", targets: ["ICETesting"]),
        .library(name: "ICEPortMapping", targets: ["ICEPortMapping"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // C libraries
        .systemLibrary(
            name: "CLibUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        // Where it is not installed, ICEPortMapping says so to whoever uses it, and all else builds.
        .systemLibrary(name: "CNATPMP", providers: [.apt(["libnatpmp-dev"])]),
        // The system resolver's: a part of the C library.
        .systemLibrary(name: "CResolver"),

        // Our own C: system calls that Swift can't make.
        .target(name: "CDatagram"),

        // Floor 0: values and seams
        .target(name: "NetBase", swiftSettings: settings + borrowing),

        // Floor 1: the operating system and the crypto library, made safe
        .target(name: "UV", dependencies: ["CLibUV", "CDatagram", "NetBase"], swiftSettings: settings),
        .target(name: "Digest", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "TLS", dependencies: ["COpenSSL", "NetBase"], swiftSettings: settings),
        .target(name: "DNS", dependencies: ["CResolver", "NetBase"], swiftSettings: settings),

        // Floors 2 to 4: the protocols, without I/O
        .target(
            name: "STUN",
            dependencies: ["NetBase", "Digest", .product(name: "DequeModule", package: collections)],
            swiftSettings: settings),
        .target(
            name: "MDNS",
            dependencies: ["NetBase", "DNS", .product(name: "DequeModule", package: collections)],
            swiftSettings: settings),
        .target(
            name: "TURNCore",
            dependencies: ["NetBase", "STUN", .product(name: "DequeModule", package: collections)],
            swiftSettings: settings),
        .target(
            name: "ICECore",
            dependencies: ["NetBase", "Digest", "STUN", .product(name: "DequeModule", package: collections)],
            swiftSettings: settings),

        // Floor 5: what people import
        .target(
            name: "ICE",
            dependencies: [
                "NetBase", "UV", "Digest", "TLS", "STUN", "MDNS", "TURNCore", "ICECore",
                .product(name: "DequeModule", package: collections),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(
            name: "ICETesting",
            dependencies: [
                "NetBase", "STUN", "TURNCore", "ICECore", "ICE",
                .product(name: "DequeModule", package: collections),
                .product(name: "HeapModule", package: collections),
            ],
            swiftSettings: settings),
        .target(
            name: "ICEPortMapping", dependencies: ["CNATPMP", "NetBase", "UV", "ICE"], swiftSettings: settings),

        .testTarget(name: "NetBaseTests", dependencies: ["NetBase"], swiftSettings: settings),
        .testTarget(name: "UVTests", dependencies: ["UV", "CLibUV", "NetBase"], swiftSettings: settings),
        .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: settings),
        .testTarget(name: "TLSTests", dependencies: ["TLS", "NetBase"], swiftSettings: settings),
        .testTarget(name: "DNSTests", dependencies: ["DNS", "NetBase"], swiftSettings: settings),
        .testTarget(name: "MDNSTests", dependencies: ["MDNS", "DNS", "NetBase"], swiftSettings: settings),
        .testTarget(name: "STUNTests", dependencies: ["STUN", "NetBase", "Digest"], swiftSettings: settings),
        .testTarget(name: "TURNCoreTests", dependencies: ["TURNCore", "STUN", "NetBase"], swiftSettings: settings),
        .testTarget(
            name: "ICECoreTests", dependencies: ["ICECore", "STUN", "Digest", "NetBase"], swiftSettings: settings),
        .testTarget(
            name: "ICETests",
            dependencies: [
                "ICE", "ICETesting", "ICECore", "TURNCore", "MDNS", "DNS", "TLS", "Digest", "UV", "STUN", "NetBase",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "InMemoryLogging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ICETestingTests",
            dependencies: ["ICETesting", "ICE", "ICECore", "TURNCore", "STUN", "NetBase", "simulated-trace"],
            swiftSettings: settings),
        .testTarget(
            name: "ICEPortMappingTests", dependencies: ["ICEPortMapping", "ICE", "UV", "NetBase"],
            swiftSettings: settings),
        // Not a product: a test runs it in two processes and compares what it prints.
        .executableTarget(
            name: "simulated-trace", dependencies: ["ICETesting", "ICE", "STUN", "NetBase"],
            path: "Tests/SimulatedTrace", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// The C library: its functions are compared with their header, which Swift 6.3 is the first to do. The name is not ICE, as X11 has a libICE.
#if compiler(>=6.3)
    package.products.append(.library(name: "SwiftICE", type: .dynamic, targets: ["ICEForC"]))
    package.targets += [
        .systemLibrary(name: "CSwiftICE"),
        .target(name: "ICEForC", dependencies: ["CSwiftICE", "CLibUV", "ICE"], swiftSettings: settings),
        // What it does is C in Swift's words, unsafe from end to end.
        .testTarget(
            name: "ICEForCTests", dependencies: ["ICEForC", "CSwiftICE", "CLibUV"], swiftSettings: features),
    ]
#endif

// What measures the cores from within (Benchmarks/README.md).
if Context.environment["SWIFT_ICE_BENCHMARKS"] != nil {
    package.targets += [
        .target(name: "CMeasuring", path: "Benchmarks/Sources/CMeasuring"),
        .target(
            name: "Measuring", dependencies: ["CMeasuring"], path: "Benchmarks/Sources/Measuring",
            swiftSettings: features),
        .executableTarget(
            name: "bench-codec", dependencies: ["Measuring", "STUN", "NetBase"],
            path: "Benchmarks/Sources/Codec", swiftSettings: features),
    ]
}
