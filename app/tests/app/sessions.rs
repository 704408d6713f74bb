//! Sessions and the counter, over several instances.

use crate::{
    process::{Process, Variables, client, until},
    servers::{POSTGRES, REDIS, Server},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn two_instances_share(mut variables: Variables) {
    variables.insert("SESSION_KEY", KEY.into());
    let (one, two) = tokio::join!(Process::serve(&variables), Process::serve(&variables));
    let client = client();
    let api = one.at("/api/v1/notebooks");
    let title = serde_json::json!({ "title": "Shared by link" });
    let made: serde_json::Value =
        client.post(api).json(&title).send().await.unwrap().json().await.unwrap();
    let path = format!("/notebooks/{}", made["id"].as_str().unwrap());
    client.get(one.at(&path)).send().await.unwrap();
    let page = client.get(two.at("/")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Shared by link"), "{page}");
    for instance in [&one, &two] {
        let address = instance.at("/visitors");
        until("the visitor is counted once", async || {
            let number = client.get(&address).send().await.unwrap().text().await.unwrap();
            (number == "1").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn two_instances_share_sessions_and_counter_in_the_database() {
    let postgres = Server::start(&POSTGRES);
    two_instances_share(postgres.url()).await;
}

#[tokio::test]
async fn two_instances_share_sessions_and_counter_in_redis() {
    let (postgres, redis) = (Server::start(&POSTGRES), Server::start(&REDIS));
    let mut variables = postgres.parts();
    variables.extend(redis.parts());
    two_instances_share(variables).await;
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_from_plain_http_behind_https() {
    let process = Process::serve(&Variables::new()).await;
    let cookie = async |protocol: &str| {
        let request = reqwest::Client::new().get(process.at("/"));
        let answer = request.header("x-forwarded-proto", protocol).send().await.unwrap();
        answer.headers()["set-cookie"].to_str().unwrap().to_owned()
    };
    let plain = cookie("http").await;
    assert!(plain.contains("HttpOnly") && plain.contains("SameSite=Lax"), "{plain}");
    assert!(!plain.contains("Secure"), "{plain}");
    assert!(cookie("https").await.contains("Secure"));
}

#[tokio::test]
async fn a_cookie_that_was_changed_is_nobody() {
    let process = Process::serve(&Variables::new()).await;
    let request = reqwest::Client::new().get(process.at("/"));
    let answer = request.header("cookie", "notes_session=someone").send().await.unwrap();
    assert!(answer.headers().contains_key("set-cookie"));
}
