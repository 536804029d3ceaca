package import NetBase

/// What a response repeats of its request.
package protocol STUNAnswerable {
    /// What the request is about.
    var method: STUNMethod { get }
    /// The ID that the response shares.
    var transactionID: STUNTransactionID { get }
}

extension STUNMessage: STUNAnswerable {}

extension STUNMessage {
    /// The success response to a Binding request: where it came from (RFC 8489 §6.3.1.1). Integrity and fingerprint are the
    /// caller's to append.
    package static func bindingResponse(
        to request: some STUNAnswerable, from source: TransportAddress, software: String? = nil
    ) -> STUNMessage {
        var response = STUNMessage(.success, request.method, transactionID: request.transactionID)
        response.append(XORMappedAddress(source))
        if let software { response.append(Software(software)) }
        return response
    }

    /// An error response to a request (RFC 8489 §6.3.1.1). Integrity and fingerprint are the caller's to append.
    package static func errorResponse(
        to request: some STUNAnswerable, _ error: ErrorCode, software: String? = nil
    ) -> STUNMessage {
        var response = STUNMessage(.failure, request.method, transactionID: request.transactionID)
        response.append(error)
        if let software { response.append(Software(software)) }
        return response
    }

    /// The 420 response that names what was not understood (RFC 8489 §6.3.1, §14.13).
    package static func unknownAttributesResponse(
        to request: some STUNAnswerable, _ unknown: [UInt16], software: String? = nil
    ) -> STUNMessage {
        var response = errorResponse(to: request, .unknownAttribute, software: software)
        response.append(UnknownAttributes(unknown))
        return response
    }
}
