//! gRPC: the operations, the health service, reflection.

use notes::grpc::v1::{
    AddNoteRequest, CreateNotebookRequest, DeleteNoteRequest, EditNoteRequest, GetNoteRequest,
    GetNotebookRequest, ListNotesRequest, notes_client::NotesClient,
};
use tonic::{
    Code,
    transport::{Certificate, Channel, ClientTlsConfig},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::process::until;

pub(super) async fn check(address: &str, authority: Option<&[u8]>) {
    let mut endpoint = Channel::from_shared(address.to_owned()).unwrap();
    if address.starts_with("https") {
        let tls = ClientTlsConfig::new().with_native_roots();
        let tls = tls.ca_certificates(authority.map(Certificate::from_pem));
        endpoint = endpoint.tls_config(tls).unwrap();
    }
    let channel = endpoint.connect().await.unwrap();
    health(channel.clone()).await;
    reflection(channel.clone()).await;
    notes(channel).await;
}

async fn health(channel: Channel) {
    for service in ["", "notes.v1.Notes"] {
        until("the health service says that it serves", async || {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = HealthClient::new(channel.clone()).check(request).await.unwrap();
            (answer.get_ref().status() == ServingStatus::Serving).then_some(())
        })
        .await;
    }
}

async fn reflection(channel: Channel) {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"notes.v1.Notes".to_owned()), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health".to_owned()), "{names:?}");
}

async fn notes(channel: Channel) {
    let mut client = NotesClient::new(channel);
    let title = "Made over gRPC".to_owned();
    let made = client.create_notebook(CreateNotebookRequest { title }).await.unwrap().into_inner();
    let notebook = made.id.clone();
    let request = GetNotebookRequest { notebook: notebook.clone() };
    assert_eq!(client.get_notebook(request).await.unwrap().into_inner(), made);
    let add = AddNoteRequest {
        notebook: notebook.clone(),
        body: "milk".into(),
        idempotency_key: "one".into(),
    };
    let added = client.add_note(add.clone()).await.unwrap().into_inner();
    let again = client.add_note(add).await.unwrap().into_inner();
    assert_eq!((added.replayed, again.replayed), (false, true));
    let note = added.note.unwrap().id;
    let edit =
        EditNoteRequest { notebook: notebook.clone(), note: note.clone(), body: "bread".into() };
    assert_eq!(client.edit_note(edit).await.unwrap().into_inner().body, "bread");
    let list = ListNotesRequest { notebook: notebook.clone(), ..ListNotesRequest::default() };
    assert_eq!(client.list_notes(list.clone()).await.unwrap().into_inner().notes.len(), 1);
    let delete = DeleteNoteRequest { notebook: notebook.clone(), note: note.clone() };
    client.delete_note(delete).await.unwrap();
    let get = GetNoteRequest { notebook: notebook.clone(), note };
    assert_eq!(client.get_note(get).await.unwrap_err().code(), Code::NotFound);
    let long = ListNotesRequest { limit: 1_000_000, ..list };
    assert_eq!(client.list_notes(long).await.unwrap_err().code(), Code::InvalidArgument);
    let empty = AddNoteRequest { notebook, ..AddNoteRequest::default() };
    assert_eq!(client.add_note(empty).await.unwrap_err().code(), Code::InvalidArgument);
}
