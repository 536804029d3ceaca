// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Debian's has a flag that is refused with a warning at each build, and none that is needed.
#if os(Linux)
    let hiredisPackage: String? = nil
#else
    let hiredisPackage: String? = "hiredis"
#endif

// A package of its own, so that nobody who depends on the library resolves what only a program needs.
let package = Package(
    name: "swift-ice-examples",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ping-pong", targets: ["PingPong"]),
        .executable(name: "relay-echo", targets: ["RelayEcho"]),
        .executable(name: "relay-stream", targets: ["RelayStream"]),
        .executable(name: "ice-peer", targets: ["ICEPeer"]),
        .executable(name: "async-await", targets: ["AsyncAwait"]),
        .executable(name: "calling-app", targets: ["CallingApp"]),
        .executable(name: "browser", targets: ["Browser"]),
        .executable(name: "call-room", targets: ["CallRoom"]),
        .executable(name: "echo-server", targets: ["EchoServer"]),
        .executable(name: "echo-load", targets: ["EchoLoad"]),
        .executable(name: "under-dispatch", targets: ["UnderDispatch"]),
    ],
    dependencies: [
        .package(name: "swift-ice", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.1")),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "PingPong",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "Browser",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            resources: [.copy("Page")],
            swiftSettings: settings),
        .executableTarget(
            name: "RelayEcho",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "RelayStream",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "ICEPeer",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "AsyncAwait", dependencies: [.product(name: "ICE", package: "swift-ice")], swiftSettings: settings),

        // An application's calling code, a program that uses it, and its tests in virtual time.
        .target(name: "Calling", dependencies: [.product(name: "ICE", package: "swift-ice")], swiftSettings: settings),
        .executableTarget(
            name: "CallingApp", dependencies: ["Calling", .product(name: "ICE", package: "swift-ice")],
            swiftSettings: settings),
        .testTarget(
            name: "CallingTests",
            dependencies: [
                "Calling", .product(name: "ICE", package: "swift-ice"),
                .product(name: "ICETesting", package: "swift-ice"),
            ],
            swiftSettings: settings),
        .systemLibrary(
            name: "CHiredis", pkgConfig: hiredisPackage, providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .executableTarget(
            name: "CallRoom",
            dependencies: [
                "CHiredis",
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings + [.strictMemorySafety()]),

        // A server with one port for all calls, those who call it, and what they know of each other beforehand.
        .target(
            name: "EchoTicket",
            dependencies: [
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EchoServer",
            dependencies: [
                "EchoTicket",
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EchoLoad",
            dependencies: [
                "EchoTicket",
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "UnderDispatch", dependencies: [.product(name: "ICE", package: "swift-ice")], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
